using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

/// <summary>BPE over characters with byte fallback, as of Llama 2, Mistral and Phi-3.</summary>
public class SentencePieceTokenizerTests
{
    public static TheoryData<string> Names => ["llama2", "phi-3-mini"];

    /// <summary>What a text comes back as: the word mark cannot be told from a space.</summary>
    private static string Expected(string text) => text.Replace('\u2581', ' ');

    [Theory]
    [MemberData(nameof(Names))]
    public void Text_ComesBackAndNeverYieldsAnAddedToken(string name)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        RandomText.Any.Sample(
            text =>
            {
                int[] ids = tokenizer.EncodeText(text);
                Assert.DoesNotContain(ids, tokenizer.IsAdded);
                Assert.Equal(Expected(WellFormedText.Of(text)), tokenizer.Decode(ids));
            },
            iter: 300);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void RandomIds_StreamAsTheyDecodeAtOnce(string name)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        Gen.Select(Gen.Frequency((3, Gen.Int[0, 300]), (2, Gen.Int[0, tokenizer.VocabularySize])).Array[0, 30], Gen.Bool).Sample(
            (ids, continues) =>
            {
                TokenTextStream stream = tokenizer.OpenTextStream(continues);
                Assert.Equal(tokenizer.Decode(ids, continues), string.Concat(ids.Select(stream.Append)) + stream.Flush());
                Assert.Equal(ids.Sum(id => tokenizer.BytesOf(id).Length), ids.SelectMany(id => tokenizer.BytesOf(id).ToArray()).Count());
            },
            iter: 300);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Bytes_AreThoseThatTheTokensStandFor(string name)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        Assert.Equal(" Hello"u8, tokenizer.BytesOf(15043));
        Assert.Equal([0x0A], tokenizer.BytesOf(13).ToArray());
        Assert.Equal([0xFF], tokenizer.BytesOf(258).ToArray());
        Assert.Equal("</s>"u8, tokenizer.BytesOf(2));
        Assert.Equal([], tokenizer.BytesOf(tokenizer.VocabularySize).ToArray());
        RandomText.WellFormed.Sample(
            text => Assert.Equal(
                text.Length == 0 ? "" : " " + Expected(text),
                Encoding.UTF8.GetString([.. tokenizer.EncodeText(text).SelectMany(id => tokenizer.BytesOf(id).ToArray())])),
            iter: 200);
    }

    [Fact]
    public void GeneratedText_KeepsItsSpaceWhereItContinuesAPrompt()
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared("llama2");
        Assert.Equal("Hello", tokenizer.Decode([15043]));
        Assert.Equal(" Hello", tokenizer.Decode([15043], continuesText: true));
        Assert.Equal(" Hello", tokenizer.OpenTextStream(continuesText: true).Append(15043));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void PromptThatContinuesText_GetsNoSpaceBeforeIt(string name)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        Assert.Equal("</s> A", string.Concat(Tokens(tokenizer.EncodePrompt("</s>A", continuesText: true))));
        Assert.Equal("lo there", string.Concat(Tokens(tokenizer.EncodePrompt("lo there", continuesText: true))));
        Assert.Equal(" lo there", string.Concat(Tokens(tokenizer.EncodePrompt("lo there"))));

        IEnumerable<string> Tokens(PromptSegment[] segments) => segments.SelectMany(segment => segment.TokenIds).Select(id => Encoding.UTF8.GetString(tokenizer.BytesOf(id)));
    }

    [Fact]
    public void StrippingTokens_TakeTheWhiteSpaceAfterThem()
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared("phi-3-mini");
        PromptSegment[] segments = tokenizer.EncodePrompt("<|user|>\n Hi<|end|>\n<|assistant|>\n");
        Assert.Equal(["<|user|>\n ", "Hi", "<|end|>\n", "<|assistant|>\n"], segments.Select(segment => segment.Text));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void GuardedControlText_StaysText(string name)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared(name);
        RandomText.Any.Sample(
            text =>
            {
                PromptSegment[] segments = tokenizer.EncodePrompt("<s>" + tokenizer.ControlTextGuard.Guard(text + "</s>") + "</s>");
                Assert.Equal([1, 2], segments.Where(segment => segment.IsAdded).SelectMany(segment => segment.TokenIds));
                Assert.Equal(WellFormedText.Of("<s>" + text + "</s></s>"), WellFormedText.Of(string.Concat(segments.Select(segment => segment.Text))));
            },
            iter: 200);
    }

    [Fact]
    public void TokensFlaggedAsNormalized_AreFoundInPromptsWithoutASpaceBefore()
    {
        int[] ids = [.. SharedTokenizers.Shared("llama2").EncodePrompt("Hi</s><s>[INST] x").SelectMany(segment => segment.TokenIds)];
        Assert.Equal([6324, 2, 1, 518, 25580, 29962, 921], ids);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("ab ")]
    [InlineData("\u2603")]
    public void MegabyteWithoutAWordBorder_IsEncoded(string unit)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared("phi-3-mini");
        string text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
        Assert.Equal(text, tokenizer.Decode(tokenizer.EncodeText(text)));
    }

    [Fact]
    public void UnknownCharacters_AreTheUnknownTokenWithoutByteFallback()
    {
        var changes = new JsonObject { ["model"] = new JsonObject { ["byte_fallback"] = false, ["fuse_unk"] = true } };
        ModelTokenizer tokenizer = TokenIdGoldens.Load(changes);
        Assert.Equal([263, 0, 29890], tokenizer.EncodeText("a\u2604\u2604b"));
        changes["model"]!["fuse_unk"] = false;
        Assert.Equal([263, 0, 0, 29890], TokenIdGoldens.Load(changes).EncodeText("a\u2604\u2604b"));
    }

    [Fact]
    public void BytesInvalidAsUtf8_AreReplacedWithoutTheirNeighbours() =>
        Assert.Equal("a\uFFFDb", SharedTokenizers.Shared("phi-3-mini").Decode([263, 3 + 0xE2, 29890]));
}
