using System.Globalization;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class TokenizerVectorTests
{
    private const string Separator = "\n__ggml_vocab_test__\n";

    [Theory]
    [InlineData("qwen2", "qwen2.5")]
    [InlineData("deepseek-r1-qwen", "qwen2.5")]
    [InlineData("llama-spm", "llama2")]
    [InlineData("phi-3", "phi-3-mini")]
    public void PublishedVectors_EncodeAndDecodeExactly(string name, string folder)
    {
        string file = Fixtures.Shared("tokenizers", "vectors", $"ggml-vocab-{name}.gguf.inp");
        ModelTokenizer tokenizer = SharedTokenizers.Shared(folder);
        int[] beginning = folder == "llama2" ? [tokenizer.BosTokenId!.Value] : [];
        string[] texts = File.ReadAllText(file).Split(Separator);
        string[] lines = File.ReadAllLines(Path.ChangeExtension(file, ".out"));

        // The last text ends with a separator too, after which nothing comes.
        Assert.Equal(lines.Length, texts.Length - 1);
        for (int i = 0; i < lines.Length; i++)
        {
            int[] expected = [.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
            Assert.Equal(expected, tokenizer.EncodeText(texts[i]));
            Assert.Equal([.. beginning, .. expected], tokenizer.Encode(texts[i]));
            Assert.Equal(texts[i], tokenizer.Decode(expected));
        }
    }

    [Fact]
    public void Qwen_HasItsControlTokens()
    {
        Assert.Equal(151665, SharedTokenizers.Qwen.VocabularySize);
        Assert.Equal(151645, SharedTokenizers.Qwen.EosTokenId);
        Assert.Null(SharedTokenizers.Qwen.BosTokenId);
        Assert.True(SharedTokenizers.Qwen.IsSpecial(151644));
        Assert.Equal(151657, SharedTokenizers.Qwen.FindAddedToken("<tool_call>"));
        Assert.False(SharedTokenizers.Qwen.IsSpecial(151657));
        Assert.True(SharedTokenizers.Qwen.IsAdded(151657));
        Assert.Null(SharedTokenizers.Qwen.FindAddedToken("Hello"));
    }

    [Fact]
    public void QwenText_IsComposedBeforeItIsEncoded() =>
        Assert.Equal(SharedTokenizers.Qwen.EncodeText("Fu\u0308hrer 한국"), SharedTokenizers.Qwen.EncodeText("Führer \u1112\u1161\u11AB\u1100\u116E\u11A8"));
}
