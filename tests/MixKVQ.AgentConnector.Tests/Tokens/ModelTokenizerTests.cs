using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using MixKVQ.AgentConnector.Tokens;
using MixKVQ.AgentConnector.Tokens.Normalization;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class ModelTokenizerTests
{
    private static int[] Ids(params string[] tokens)
    {
        JsonObject vocabulary = new SmallTokenizerFiles().Vocabulary;
        return [.. tokens.Select(token => vocabulary[token]?.GetValue<int>() ?? SharedTokenizers.Small.FindAddedToken(token)!.Value)];
    }

    [Fact]
    public void Llama3Style_MergesWithinWordsOfTheSplitPattern() =>
        Assert.Equal(Ids("hello", "Ġwor", "ld", "12", "3", "4", "!"), SharedTokenizers.Small.EncodeText("hello world1234!"));

    [Fact]
    public void IgnoreMerges_EncodesAWholeWordAtOnce()
    {
        Assert.Equal(Ids("world"), SharedTokenizers.Small.EncodeText("world"));
        var files = new SmallTokenizerFiles();
        files.Tokenizer["model"]!["ignore_merges"] = false;
        Assert.Equal(Ids("w", "or", "ld"), files.Load().EncodeText("world"));
    }

    [Fact]
    public void MistralTekkenStyle_SplitsDigitsAndCases()
    {
        const string Pattern = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
        var files = new SmallTokenizerFiles();
        files.Tokenizer["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = Pattern;
        Assert.Equal(Ids("hello", "W", "or", "ld", "Ġ", "1", "2"), files.Load().EncodeText("helloWorld 12"));
    }

    [Fact]
    public void Encode_AddsTheBeginningAndKnowsAddedTokens() =>
        Assert.Equal(Ids("<|begin|>", "hello", "<|end|>", "h"), SharedTokenizers.Small.Encode("hello<|end|>h"));

    [Fact]
    public void EncodePrompt_AddsNoBeginningAndGivesASegmentForEachAddedToken()
    {
        PromptSegment[] segments = SharedTokenizers.Small.EncodePrompt("<|begin|>hello<|end|>>\n<think>");
        Assert.Equal(["<|begin|>", "hello", "<|end|>>", "\n", "<think>"], segments.Select(segment => segment.Text));
        Assert.Equal([true, false, true, false, true], segments.Select(segment => segment.IsAdded));
        Assert.Equal(Ids("<|begin|>", "hello", "<|end|>>", "Ċ", "<think>"), segments.SelectMany(segment => segment.TokenIds));
    }

    [Fact]
    public void BeginAndEndTokens_ComeFromTheConfig()
    {
        Assert.Equal("<|begin|>", SharedTokenizers.Small.BosToken);
        Assert.Equal(SharedTokenizers.Small.FindAddedToken("<|begin|>"), SharedTokenizers.Small.BosTokenId);
        Assert.Equal(SharedTokenizers.Small.FindAddedToken("<|end|>"), SharedTokenizers.Small.EosTokenId);
        Assert.Equal(SharedTokenizers.Small.BosTokenId + 5, SharedTokenizers.Small.VocabularySize);
    }

    [Fact]
    public void MergesAsPairs_MeanTheSame()
    {
        var files = new SmallTokenizerFiles();
        files.Tokenizer["model"]!["merges"] = new JsonArray([.. files.Merges.Select(merge => (JsonNode)new JsonArray([.. merge!.GetValue<string>().Split(' ').Select(part => (JsonNode)part)]))]);
        Assert.Equal(SharedTokenizers.Small.EncodeText("hello world"), files.Load().EncodeText("hello world"));
    }

    [Fact]
    public void AddedTokensOfTheConfig_JoinThoseOfTheFile()
    {
        var files = new SmallTokenizerFiles();
        int id = SharedTokenizers.Small.VocabularySize;
        JsonObject token = SmallTokenizerFiles.Added(id, "<|more|>");
        files.Config["added_tokens_decoder"] = new JsonObject { [$"{id}"] = token };
        Assert.Equal(id, files.Load().FindAddedToken("<|more|>"));
    }

    [Fact]
    public void NormalizedAddedToken_IsFoundInTheNormalizedText()
    {
        var files = new SmallTokenizerFiles();
        files.Tokenizer["normalizer"] = JsonNode.Parse("""{"type": "NFC"}""");
        JsonObject token = SmallTokenizerFiles.Added(SharedTokenizers.Small.VocabularySize, "[é]", special: false);
        token["normalized"] = true;
        files.AddedTokens.Add((JsonNode)token);
        Assert.Equal([SharedTokenizers.Small.BosTokenId!.Value, SharedTokenizers.Small.VocabularySize], files.Load().Encode("[e\u0301]"));
    }

    [Fact]
    public void AddedTokenThatMergesWouldMake_DoesNotComeFromText()
    {
        var files = new SmallTokenizerFiles();
        int id = files.Vocabulary["hello"]!.GetValue<int>();
        files.AddedTokens.Add((JsonNode)SmallTokenizerFiles.Added(id, "hello"));
        ModelTokenizer tokenizer = files.Load();
        Assert.Equal(Ids("hell", "o"), tokenizer.EncodeText("hello"));
        Assert.Equal([tokenizer.BosTokenId!.Value, id], tokenizer.Encode("hello"));
    }

    [Fact]
    public void LoneSurrogates_CountAsReplacementCharacters() =>
        RandomText.Any.Sample(text => Assert.Equal(
            SharedTokenizers.Small.EncodeText(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text))), SharedTokenizers.Small.EncodeText(text)));

    [Fact]
    public void Text_ComesBackAndNeverYieldsAnAddedToken() =>
        RandomText.Any.Sample(text =>
        {
            int[] ids = SharedTokenizers.Small.EncodeText(text);
            Assert.DoesNotContain(ids, SharedTokenizers.Small.IsAdded);
            Assert.Equal(WellFormedText.Of(text), SharedTokenizers.Small.Decode(ids));
        });

    [Fact]
    public void QwenText_ComesBackComposed()
    {
        ModelTokenizer qwen = SharedTokenizers.Qwen;
        RandomText.Any.Sample(text =>
        {
            int[] ids = qwen.EncodeText(text);
            Assert.DoesNotContain(ids, qwen.IsAdded);
            Assert.Equal(CanonicalNormalizer.Nfc.Normalize(WellFormedText.Of(text)), qwen.Decode(ids));
        });
    }

    [Fact]
    public void EncodeDecode_OfTrustedText_RoundTrips() =>
        RandomText.WellFormed.Sample(text => Assert.Equal("<|begin|>" + text, SharedTokenizers.Small.Decode(SharedTokenizers.Small.Encode(text))));

    [Fact]
    public void IdsWithoutAToken_DecodeToNothing() =>
        Assert.Equal("h", SharedTokenizers.Small.Decode([-1, .. Ids("h"), int.MaxValue, SharedTokenizers.Small.VocabularySize]));

    [Fact]
    public void ManyThreads_EncodeAlike()
    {
        string[] texts = [.. Enumerable.Range(0, 64).Select(i => string.Concat(Enumerable.Repeat($"hello world {i * 7919} ", 20)))];
        int[][] expected = [.. texts.Select(SharedTokenizers.Small.EncodeText)];
        Parallel.For(0, 512, i => Assert.Equal(expected[i % 64], SharedTokenizers.Small.EncodeText(texts[i % 64])));
    }

    [Fact]
    public void Minimind_LoadsAndRoundTrips()
    {
        ModelTokenizer tokenizer = ModelTokenizer.Load(Fixtures.Shared("tokenizers", "minimind"));
        Assert.Equal(6400, tokenizer.VocabularySize);
        Assert.Equal(25, tokenizer.FindAddedToken("<think>"));
        Assert.False(tokenizer.IsSpecial(25));
        Assert.Equal("<|im_end|>", tokenizer.EosToken);
        RandomText.WellFormed.Sample(
            text =>
            {
                Assert.Equal(text, tokenizer.Decode(tokenizer.EncodeText(text)));
                Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
            },
            iter: 200);
    }

    [Fact]
    public void MegabyteOfOneWord_IsEncoded()
    {
        string text = new('l', 1_000_000);
        Assert.Equal(500_000, SharedTokenizers.Small.EncodeText(text).Length);
    }
}
