using System.Text;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tests.Tokens;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

/// <summary>Files made to exhaust whoever reads them: each is refused with its name, within 100 MB.</summary>
public sealed class HostileFolderTests
{
    private const int Million = 1_000_000;
    private const long AllowedBytes = 100L << 20;

    private static readonly string Vocabulary = new SmallTokenizerFiles().Vocabulary.ToJsonString();

    public static TheoryData<string> TokenizerCases => [.. TokenizerFiles.Keys];

    private static Dictionary<string, Func<string>> TokenizerFiles { get; } = new()
    {
        ["a million added tokens"] = () => Tokenizer("\"added_tokens\": [" + Many(AddedToken) + "]"),
        ["added tokens up to the section's limit"] = () => Tokenizer("\"added_tokens\": [" + Many(AddedToken, 110_000) + "]"),
        ["a million tokens"] = () => "{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {" + Many(i => $"\"t{i}\":{i}") + "}}}",
        ["more than a million merges"] = () => Merges(Many(_ => "\"a b\"", Million + 1)),
        ["a merge of a million spaces"] = () => Merges($"\"{new string(' ', Million)}\""),
        ["cyclic merges"] = () => Merges("\"h e\", \"he h\", \"heh e\", \"e h\", \"eh e\""),
        ["merges that give nothing"] = () => Merges("[\"h\", \"\"], [\"\", \"\"]"),
        ["nesting in what is read"] = () => Tokenizer("\"normalizer\": " + new string('[', 10 * Million)),
        ["nesting in what is skipped"] = () => Tokenizer("\"other\": " + string.Concat(Enumerable.Repeat("{\"a\":", Million))),
        ["a section of many lists"] = () => Tokenizer("\"post_processor\": [" + Many(_ => "[]", 2 * Million) + "]"),
        ["an added token of a million letters"] = () => Tokenizer("\"added_tokens\": [{\"id\": 1000, \"content\": \"" + new string('a', Million) + "\"}]"),
        ["a pattern of a million brackets"] = () => Tokenizer("\"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": \"Isolated\", \"pattern\": {\"Regex\": \"" + new string('(', Million) + "\"}}"),
    };

    [Theory]
    [MemberData(nameof(TokenizerCases))]
    public void TokenizerFile_IsRefused(string name)
    {
        using var folder = new ModelFolder();
        folder.With("tokenizer.json", TokenizerFiles[name]());
        Refuses("tokenizer.json", () => ModelTokenizer.Load(folder.Path));
    }

    [Fact]
    public void TokenizerConfig_WithAMillionAddedTokens_IsRefused()
    {
        using var folder = new ModelFolder();
        folder.With("tokenizer.json", Tokenizer("\"normalizer\": null"))
            .With("tokenizer_config.json", "{\"added_tokens_decoder\": {" + Many(i => $"\"{i + 1000}\":{AddedToken(i)}") + "}}");
        Refuses("tokenizer_config.json", () => ModelTokenizer.Load(folder.Path));
        Refuses("tokenizer_config.json", () => ChatTemplate.Load(folder.Path));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.json")]
    [InlineData("model.safetensors.index.json")]
    public void FileOfATerabyte_IsRefusedUnread(string name)
    {
        using var folder = new ModelFolder();
        folder.WithConfig();
        using (FileStream file = File.Create(folder.File(name)))
        {
            // A hole: no disk space is used.
            file.SetLength(1L << 40);
        }

        Refuses(name, name switch
        {
            "config.json" or "generation_config.json" => () => ModelConfig.Load(folder.Path),
            "tokenizer.json" or "tokenizer_config.json" => () => ModelTokenizer.Load(folder.Path),
            "model.safetensors.index.json" => () => SafetensorsCheckpoint.Open(folder.Path, null),
            _ => () => ChatTemplate.Load(folder.Path),
        });
    }

    [Theory]
    [InlineData("{%- for a in range(10**9) %}{{ a }}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='ab') %}{% for i in range(40) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}")]
    [InlineData("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}")]
    [InlineData("{% for a in messages * 1000000000 %}{% for b in range(1000000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% for a in range(10000000) %}{{ 'x' * 1000 }}{% endfor %}")]
    public void EndlessTemplate_IsStopped(string template)
    {
        using var folder = new ModelFolder();
        folder.With("chat_template.jinja", template);
        var input = new ChatTemplateInput([], null, true, null);
        Refuses("chat_template.jinja", () => ChatTemplate.Load(folder.Path).Render(input, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void TemplateWithDeepNesting_IsRefused()
    {
        using var folder = new ModelFolder();
        folder.With("chat_template.jinja", string.Concat(Enumerable.Repeat("{% if x %}", 90_000)));
        Refuses("chat_template.jinja", () => ChatTemplate.Load(folder.Path));
        folder.With("chat_template.jinja", "{{ " + new string('(', 500_000));
        Refuses("chat_template.jinja", () => ChatTemplate.Load(folder.Path));
    }

    [Fact]
    public void ConfigOfAbsurdSizes_IsRefused()
    {
        using var folder = new ModelFolder();
        folder.WithConfig("""{ "hidden_size": 1e300, "num_hidden_layers": 2147483647, "vocab_size": 1e12, "max_position_embeddings": 1e18, "intermediate_size": -1 }""");
        Refuses("config.json", () => ModelConfig.Load(folder.Path));
        folder.With("config.json", new string('[', 4_000_000));
        Refuses("config.json", () => ModelConfig.Load(folder.Path));
        folder.With("config.json", "{ \"model_type\": \"llama\", \"eos_token_id\": [" + Many(_ => "-1", 1_300_000) + "] }");
        Refuses("config.json", () => ModelConfig.Load(folder.Path));
    }

    [Fact]
    public void ConfigLargerThanItsWeights_IsRefusedBeforeAnythingIsMade()
    {
        using var folder = new ModelFolder();
        folder.WithConfig("""{ "hidden_size": 1048576, "num_hidden_layers": 1024, "vocab_size": 16777216, "max_position_embeddings": 268435456, "intermediate_size": 1048576, "num_attention_heads": 4096, "num_key_value_heads": 4096 }""");
        folder.WriteSafetensors("model.safetensors", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", new byte[4]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(() => DecoderModel.Load(folder.Path, TorchSharp.torch.CPU, null)).Message;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllowedBytes);
        Assert.Contains("model.embed_tokens.weight", message, StringComparison.Ordinal);
    }

    [Fact]
    public void SafetensorsHeaderWithAMillionTensors_IsRefused()
    {
        using var folder = new ModelFolder();
        folder.WriteSafetensors("model.safetensors", "{" + Many(i => $"\"t{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}") + "}", []);
        Refuses("model.safetensors", () => SafetensorsCheckpoint.Open(folder.Path, null));
        folder.WriteSafetensors("model.safetensors", "{\"a\":{\"dtype\":\"F32\",\"shape\":[" + Many(_ => "1", 4 * Million) + "],\"data_offsets\":[0,4]}}", new byte[4]);
        Refuses("model.safetensors", () => SafetensorsCheckpoint.Open(folder.Path, null));
    }

    [Fact]
    public void IndexOfAMillionTensors_IsRefused()
    {
        using var folder = new ModelFolder();
        folder.With("model.safetensors.index.json", "{\"weight_map\": {" + Many(i => $"\"t{i}\":\"../x\"") + "}}");
        Refuses("model.safetensors.index.json", () => SafetensorsCheckpoint.Open(folder.Path, null));
    }

    private static string Merges(string merges) => "{\"model\": {\"type\": \"BPE\", \"vocab\": " + Vocabulary + ", \"merges\": [" + merges + "]}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}}";

    private static string AddedToken(int index) => $"{{\"id\":{index + 1000},\"content\":\"<{index}>\"}}";

    private static string Tokenizer(string section) => "{\"model\": {\"type\": \"BPE\", \"vocab\": " + Vocabulary + ", \"merges\": []}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}, " + section + "}";

    private static string Many(Func<int, string> item, int count = Million)
    {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(item(i));
        }

        return text.ToString();
    }

    private static void Refuses(string file, Action load)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<InvalidDataException>(load).Message;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllowedBytes);
        Assert.Contains(file, message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 1, 2000);
    }
}
