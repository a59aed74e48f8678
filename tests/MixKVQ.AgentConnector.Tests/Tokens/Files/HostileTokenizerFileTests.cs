using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens.Files;

public class HostileTokenizerFileTests
{
    private static void Refuses(Action<SmallTokenizerFiles> change, params string[] words)
    {
        var files = new SmallTokenizerFiles();
        change(files);
        string message = files.Refusal();
        Assert.All(["tokenizer", .. words], word => Assert.Contains(word, message, StringComparison.Ordinal));
    }

    [Fact]
    public void Vocabulary_WithBadIds_IsRefused()
    {
        Refuses(files => files.Vocabulary["hello"] = -1, "model.vocab", "hello");
        Refuses(files => files.Vocabulary["hello"] = 2_000_000_000, "model.vocab", "hello");
        Refuses(files => files.Vocabulary["hello"] = 1e300, "model.vocab", "hello");
        Refuses(files => files.Vocabulary["hello"] = "7", "model.vocab", "hello");
        Refuses(files => files.Vocabulary["hello"] = 7, "id 7");
        Refuses(files => files.Tokenizer["model"]!["vocab"] = new JsonArray(), "model.vocab");
        Refuses(files => files.Tokenizer["model"]!["vocab"] = new JsonObject(), "model.vocab");
        Refuses(files => files.Vocabulary.Remove("Ġ"), "byte 32");
    }

    [Fact]
    public void Vocabulary_WithATokenTwice_IsRefused()
    {
        var files = new SmallTokenizerFiles();
        string json = files.Tokenizer.ToJsonString().Replace("\"world\":", "\"hello\":", StringComparison.Ordinal);
        Assert.Contains("'hello' twice", Assert.Throws<InvalidDataException>(() => files.LoadText(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Merges_OfUnknownTokensOrOddForm_AreRefused()
    {
        Refuses(files => files.Merges.Add((JsonNode)"he xyz"), "he xyz", "'xyz'");
        Refuses(files => files.Merges.Add((JsonNode)"h Ċ"), "'hĊ'");
        Refuses(files => files.Merges.Add((JsonNode)"h e"), "stands twice");
        Refuses(files => files.Merges.Add((JsonNode)"hello"), "'hello'");
        Refuses(files => files.Merges.Add((JsonNode)" hello"), "' hello'");
        Refuses(files => files.Merges.Add((JsonNode)new JsonArray("h", "e", "l")), "model.merges[11]");
        Refuses(files => files.Merges.Add((JsonNode)7), "model.merges[11]");
        Refuses(files => files.Tokenizer["model"]!["merges"] = "h e", "model.merges");
    }

    [Fact]
    public void AddedTokens_InConflict_AreRefused()
    {
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(5, "<|x|>")), "<|x|>", "id 5");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(-5, "<|x|>")), "added_tokens[5]", "-5");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(int.MaxValue, "<|x|>")), "added_tokens[5]");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(900, "<|end|>")), "<|end|>", "900");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(900, "hello")), "hello", "900");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(900, "")), "added_tokens[5]");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(900, "a\uFDD0b")), "noncharacters");
        Refuses(files => files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(0, ByteAlphabet.ToCharacter(0).ToString())), "byte 0");
        Refuses(files => files.Config["added_tokens_decoder"] = new JsonObject { ["268"] = SmallTokenizerFiles.Added(268, "<|other|>") }, "<|other|>", "<|begin|>");
        Refuses(files => files.Config["added_tokens_decoder"] = new JsonObject { ["x"] = SmallTokenizerFiles.Added(268, "<|other|>") }, "added_tokens_decoder.x");
    }

    [Fact]
    public void Config_ThatNamesAnUnknownEnd_IsRefused()
    {
        Refuses(files => files.Config["eos_token"] = "<|nowhere|>", "eos_token", "<|nowhere|>");
        Refuses(files => files.Config["bos_token"] = 5, "bos_token");
    }

    [Fact]
    public void UnsupportedParts_AreNamedWithWhatIsSupported()
    {
        Refuses(files => files.Tokenizer["normalizer"] = new JsonObject { ["type"] = "NFKC" }, "normalizer", "NFKC", "NFC");
        Refuses(files => files.Tokenizer["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace" }, "decoder", "pre_tokenizer", "ByteLevel");
        Refuses(files => files.Tokenizer["pre_tokenizer"] = null, "pre_tokenizer", "ByteLevel");
        Refuses(files => files.Tokenizer["pre_tokenizer"] = new JsonObject { ["type"] = "Whitespace" }, "pre_tokenizer", "Whitespace", "ByteLevel");
        Refuses(files => files.Tokenizer["post_processor"] = new JsonObject { ["type"] = "BertProcessing" }, "post_processor", "BertProcessing");
        Refuses(files => files.Tokenizer["decoder"] = new JsonObject { ["type"] = "ByteFallback" }, "decoder", "ByteFallback");
        Refuses(files => files.Tokenizer["model"]!["type"] = "Unigram", "model.type", "Unigram");
        Refuses(files => files.Tokenizer["model"]!["dropout"] = 0.1, "model.dropout");
        Refuses(files => files.Tokenizer["model"]!["ignore_merges"] = "yes", "model.ignore_merges");
        Refuses(files => files.Tokenizer.Remove("model"), "model");
    }

    [Fact]
    public void Split_ThatIsNoPattern_IsRefused()
    {
        Refuses(files => Split(files)["pattern"] = new JsonObject { ["Regex"] = "(" }, "pattern '('");
        Refuses(files => Split(files)["pattern"] = new JsonObject { ["Regex"] = @"\p{Han}+" }, "Han");
        Refuses(files => Split(files)["pattern"] = new JsonObject { ["Regex"] = "[😀-😂]" }, "U+FFFF");
        Refuses(files => Split(files)["pattern"] = new JsonObject { ["Regex"] = new string('(', 100_000) }, "100000");
        Refuses(files => Split(files)["pattern"] = new JsonObject(), "pattern");
        Refuses(files => Split(files)["behavior"] = "Sideways", "behavior", "Sideways", "Isolated");
        Refuses(files => Split(files)["behavior"] = "1", "behavior");

        static JsonNode Split(SmallTokenizerFiles files) => files.Tokenizer["pre_tokenizer"]!["pretokenizers"]![0]!;
    }

    [Fact]
    public void Template_WithUnknownTokens_IsRefused()
    {
        Refuses(files => Template(files)["special_tokens"] = new JsonObject(), "special_tokens", "<|begin|>");
        Refuses(files => Template(files)["special_tokens"]!["<|begin|>"]!["ids"] = new JsonArray(100_000), "100000");
        Refuses(files => Template(files)["single"] = new JsonArray(), "post_processor");

        static JsonNode Template(SmallTokenizerFiles files) => files.Tokenizer["post_processor"]!["processors"]![1]!;
    }

    [Fact]
    public void TruncatedFile_IsRefusedWhereverItEnds()
    {
        var files = new SmallTokenizerFiles();
        string json = files.Tokenizer.ToJsonString();
        Gen.Int[0, json.Length - 1].Sample(length => Assert.Throws<InvalidDataException>(() => files.LoadText(json[..length])), iter: 100);
        Assert.Throws<InvalidDataException>(() => files.LoadText(json + "{}"));
    }

    [Fact]
    public void DamagedFile_LoadsOrIsRefused_WithNothingElse()
    {
        var files = new SmallTokenizerFiles();
        string json = files.Tokenizer.ToJsonString();
        Gen.Select(Gen.Int[0, json.Length - 1], RandomText.OneOf("\"", "{", "]", "-", "9", "null", "\\", "\\ud800", ",", ":")).Array[1, 3].Sample(
            damages =>
            {
                var damaged = new StringBuilder(json);
                foreach ((int position, string text) in damages)
                {
                    damaged.Remove(position, 1).Insert(position, text);
                }

                Assert.True(Record.Exception(() => files.LoadText(damaged.ToString())) is null or InvalidDataException);
            },
            iter: 200);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"model\": []}")]
    [InlineData("{\"model\": {\"vocab\": {\"\\ud800\": 1}}}")]
    public void NoTokenizer_IsRefused(string json) => Assert.Throws<InvalidDataException>(() => new SmallTokenizerFiles().LoadText(json));

    [Fact]
    public void DeeplyNestedFile_IsRefused() =>
        Assert.Throws<InvalidDataException>(() => new SmallTokenizerFiles().LoadText("{\"decoder\": " + new string('[', 1_000_000)));

    [Fact]
    public void EmptyFolder_IsRefusedWithWhatItShouldHold()
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
        string message = Assert.Throws<InvalidDataException>(() => ModelTokenizer.Load(folder)).Message;
        Directory.Delete(folder);
        Assert.Contains("tokenizer.json", message, StringComparison.Ordinal);
        Assert.Contains("merges.txt", message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => ModelTokenizer.Load(folder));
    }
}
