using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens.Files;

public class SentencePieceFileTests
{
    private static JsonObject Tokenizer(Action<JsonObject>? change = null)
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0, ["\u2581"] = 1, ["a"] = 2, ["b"] = 3, ["ab"] = 4, ["\u2581a"] = 5, [" "] = 6, ["  "] = 7, ["\u2581ab"] = 8 };
        for (int value = 0; value < 256; value++)
        {
            vocabulary[TokenSpelling.ByteToken((byte)value)] = 9 + value;
        }

        JsonObject tokenizer = JsonNode.Parse(
            """
            {
              "added_tokens": [{ "id": 0, "content": "<unk>", "special": true, "normalized": false }],
              "normalizer": { "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, { "type": "Replace", "pattern": { "String": " " }, "content": "▁" }] },
              "pre_tokenizer": null,
              "decoder": { "type": "Sequence", "decoders": [
                { "type": "Replace", "pattern": { "String": "▁" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 0 }] },
              "model": { "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "merges": ["a b", "▁ ab", "▁ a"] }
            }
            """)!.AsObject();
        tokenizer["model"]!["vocab"] = vocabulary;
        change?.Invoke(tokenizer);
        return tokenizer;
    }

    private static ModelTokenizer Load(Action<JsonObject>? change = null)
    {
        var files = new SmallTokenizerFiles();
        files.Config.Clear();
        return files.LoadText(Tokenizer(change).ToJsonString());
    }

    private static void Refuses(Action<JsonObject> change, params string[] words)
    {
        string message = Assert.Throws<InvalidDataException>(() => Load(change)).Message;
        Assert.All(["tokenizer.json", .. words], word => Assert.Contains(word, message, StringComparison.Ordinal));
    }

    [Fact]
    public void SmallFile_EncodesAndDecodes()
    {
        ModelTokenizer tokenizer = Load();
        Assert.Equal([8, 1, 3, 9 + 'c', 9 + 0xC3, 9 + 0xA9], tokenizer.EncodeText("ab bcé"));
        Assert.Equal("ab bcé", tokenizer.Decode([8, 1, 3, 9 + 'c', 9 + 0xC3, 9 + 0xA9]));
    }

    [Fact]
    public void MetaspaceDecoder_DropsTheFirstSpaceUnlessNoneIsPut()
    {
        Assert.Equal("a a", Load(file => file["decoder"] = JsonNode.Parse("""{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always" }""")).Decode([5, 5]));
        Assert.Equal(" a a", Load(file => file["decoder"] = JsonNode.Parse("""{ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "never" }""")).Decode([5, 5]));
    }

    [Fact]
    public void MergesOfTokensWithSpaces_AreReadWhereOneReadingHasTokens()
    {
        Load(file => file["model"]!["merges"]!.AsArray().Add((JsonNode)"   "));
        Refuses(file => file["model"]!["merges"]!.AsArray().Add((JsonNode)"    "), "different pairs");
        Refuses(file => file["model"]!["merges"]!.AsArray().Add((JsonNode)new string(' ', 1_000_000)), "not two tokens");
    }

    [Fact]
    public void AddedTokenThatTextWouldGive_IsSpeltInBytes()
    {
        ModelTokenizer tokenizer = Load(file => file["added_tokens"]!.AsArray().Add((JsonNode)SmallTokenizerFiles.Added(3, "b")));
        Assert.Equal([5, 9 + 'b'], tokenizer.EncodeText("ab"));
        Assert.Equal([5, 3], tokenizer.Encode("ab"));
    }

    [Fact]
    public void UnsupportedParts_AreNamedWithWhatIsSupported()
    {
        Refuses(file => file["normalizer"]!["normalizers"]![0]!["type"] = "Lowercase", "normalizers[0]", "Lowercase", "Prepend");
        Refuses(file => file["normalizer"]!["normalizers"]![0]!["type"] = "Precompiled", "normalizers[0]", "Precompiled");
        Refuses(file => file["normalizer"]!["normalizers"]![0]!["prepend"] = new string('x', 100_000), "prepend", "characters");
        Refuses(file => file["normalizer"]!["normalizers"]![1]!["pattern"] = new JsonObject { ["Regex"] = "(" }, "normalizers[1].pattern");
        Refuses(file => file["normalizer"]!["normalizers"]![1]!["pattern"] = new JsonObject { ["String"] = "" }, "normalizers[1].pattern");
        Refuses(file => file["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Metaspace", "replacement": "__" }"""), "replacement");
        Refuses(file => file["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Metaspace", "prepend_scheme": "sometimes" }"""), "sometimes", "first");
        Refuses(file => file["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Metaspace", "prepend_scheme": "always", "add_prefix_space": false }"""), "add_prefix_space");
        Refuses(file => file["pre_tokenizer"] = JsonNode.Parse("""{ "type": "Whitespace" }"""), "pre_tokenizer", "Whitespace", "Metaspace");
        Refuses(file => file["decoder"] = null, "decoder");
        Refuses(file => file["decoder"] = JsonNode.Parse("""{ "type": "WordPiece" }"""), "decoder", "WordPiece", "ByteFallback");
        Refuses(file => file["decoder"] = JsonNode.Parse("""{ "type": "Strip", "content": " ", "start": 1, "stop": 0 }"""), "decoder", "Strip", "Fuse");
        Refuses(file => file["decoder"]!["decoders"]![3]!["stop"] = 1, "decoder", "Strip".ToLowerInvariant());
        Refuses(file => file["model"]!["byte_fallback"] = 1, "model.byte_fallback");
        Refuses(file => file["model"]!["unk_token"] = "<none>", "model.unk_token", "<none>");
        Refuses(file => (file["model"]!["byte_fallback"], file["model"]!["unk_token"]) = (false, null), "byte_fallback", "unk_token");
        Refuses(file => { file["model"]!["unk_token"] = null; file["model"]!["vocab"]!.AsObject().Remove("<0x0A>"); }, "<0x0A>");
        Refuses(file => file["model"]!["merges"]!.AsArray().Add((JsonNode)"b a"), "'ba'");
    }

    [Fact]
    public void ManyParts_AreRefused()
    {
        Refuses(file => Repeat(file["normalizer"]!["normalizers"]!.AsArray(), 1000), "normalizers");
        Refuses(file => Repeat(file["decoder"]!["decoders"]!.AsArray(), 1000), "decoders");
        Refuses(file => file["pre_tokenizer"] = new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = Repeat([JsonNode.Parse("""{ "type": "Split", "pattern": { "Regex": "a+" }, "behavior": "Isolated" }""")], 10_000) }, "pre-tokenizers");

        static JsonArray Repeat(JsonArray list, int count)
        {
            for (int i = list.Count; i < count; i++)
            {
                list.Add(list[0]!.DeepClone());
            }

            return list;
        }
    }

    [Fact]
    public void NormalizerThatGrowsText_IsStopped()
    {
        ModelTokenizer tokenizer = Load(file => file["normalizer"] = JsonNode.Parse(
            $$"""{ "type": "Sequence", "normalizers": [{{string.Join(',', Enumerable.Repeat("""{ "type": "Replace", "pattern": { "String": "a" }, "content": "aaaaaaaaaaaaaaaa" }""", 30))}}] }"""));
        Assert.Contains("normalizer", Assert.Throws<InvalidDataException>(() => tokenizer.EncodeText(new string('a', 1000))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SentencePieceModelAlone_IsRefusedWithWhatToAdd()
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), [10, 14, 10]);
            string message = Assert.Throws<InvalidDataException>(() => ModelTokenizer.Load(folder)).Message;
            Assert.All(["tokenizer.model", "tokenizer.json", "save_pretrained"], word => Assert.Contains(word, message, StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
