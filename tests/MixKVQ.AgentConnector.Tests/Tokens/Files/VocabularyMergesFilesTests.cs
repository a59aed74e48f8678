using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens.Files;

public sealed class VocabularyMergesFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Qwen2Tokenizer", new[] { "1", "2" })]
    [InlineData("GPT2TokenizerFast", new[] { "12" })]
    public void TokenizerClass_ChoosesThePattern(string tokenizerClass, string[] expected)
    {
        ModelTokenizer tokenizer = Load(tokenizerClass, "#version: 0.2\nh e\n1 2\n");
        Assert.Equal(expected, tokenizer.EncodeText("12").Select(id => tokenizer.Decode([id])));
    }

    [Fact]
    public void UnknownClass_IsRefusedByName()
    {
        string message = Assert.Throws<InvalidDataException>(() => Load("BertTokenizer", "h e\n")).Message;
        Assert.Contains("BertTokenizer", message, StringComparison.Ordinal);
        Assert.Contains("Qwen2Tokenizer", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("h e l\n")]
    [InlineData("he\n")]
    [InlineData("he zz\n")]
    public void BadMerges_AreRefused(string merges) => Assert.Throws<InvalidDataException>(() => Load("Qwen2Tokenizer", merges));

    private ModelTokenizer Load(string tokenizerClass, string merges)
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.json"), new SmallTokenizerFiles().Vocabulary.ToJsonString());
        File.WriteAllText(Path.Combine(_folder, "merges.txt"), merges);
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), new JsonObject { ["tokenizer_class"] = tokenizerClass }.ToJsonString());
        return ModelTokenizer.Load(_folder);
    }
}
