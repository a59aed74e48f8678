using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>A byte-level tokenizer with a few merges and the ChatML and Hermes tokens, and a template that strips earlier thoughts.</summary>
internal static class TinyTokenizer
{
    /// <summary>What a prompt ends with.</summary>
    public const string AnswerStart = "<|im_start|>assistant\n";

    /// <summary>Chat ML with Hermes tools. Thoughts before the last user message are stripped.</summary>
    public const string Template = """
        {%- if tools %}
            {{- '<|im_start|>system\n' }}
            {%- if messages[0].role == 'system' %}
                {{- messages[0].content + '\n\n' }}
            {%- endif %}
            {{- 'Tools:' }}
            {%- for tool in tools %}
                {{- '\n' }}
                {{- tool | tojson }}
            {%- endfor %}
            {{- '<|im_end|>\n' }}
        {%- elif messages[0].role == 'system' %}
            {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
        {%- endif %}
        {%- set ns = namespace(last_user=-1) %}
        {%- for message in messages %}
            {%- if message.role == 'user' %}
                {%- set ns.last_user = loop.index0 %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
                {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
            {%- elif message.role == 'assistant' %}
                {{- '<|im_start|>assistant\n' }}
                {%- if message.reasoning_content is string and loop.index0 > ns.last_user %}
                    {{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' }}
                {%- endif %}
                {%- if message.content is string %}
                    {{- message.content }}
                {%- endif %}
                {%- for call in message.tool_calls or [] %}
                    {%- if not loop.first or message.content %}
                        {{- '\n' }}
                    {%- endif %}
                    {{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
                    {{- call.function.arguments | tojson }}
                    {{- '}\n</tool_call>' }}
                {%- endfor %}
                {{- '<|im_end|>\n' }}
            {%- elif message.role == 'tool' %}
                {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\n' }}
            {%- if enable_thinking is defined and enable_thinking is false %}
                {{- '<think>\n\n</think>\n\n' }}
            {%- endif %}
        {%- endif %}
        """;

    private static readonly string[] AddedTokens =
        ["<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"];

    private static readonly Lazy<ModelTokenizer> Loaded = new(() => Load("<|im_end|>", AddedTokens));

    /// <summary>The tokenizer; one for all tests.</summary>
    public static ModelTokenizer Load() => Loaded.Value;

    /// <summary>A tokenizer with other added tokens.</summary>
    public static ModelTokenizer Load(string endToken, params IReadOnlyList<string> addedTokens)
    {
        string folder = Directory.CreateTempSubdirectory("mixkvq-tokenizer-").FullName;
        try
        {
            Write(folder, endToken, addedTokens);
            return ModelTokenizer.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The usage of an unquantized cache of one element a token.</summary>
    public static CacheUsage Usage(int tokens) => new()
    {
        TokenCount = tokens,
        Elements = tokens,
        SealedElements = 0,
        Pages = default,
        SinkBytes = 0,
        TailBytes = 2L * tokens,
        StatisticsBytes = 0,
    };

    /// <summary>Writes tokenizer.json and tokenizer_config.json.</summary>
    public static void Write(string folder) => Write(folder, "<|im_end|>", AddedTokens);

    private static void Write(string folder, string endToken, IReadOnlyList<string> addedTokens)
    {
        var vocabulary = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            vocabulary[ByteSymbol(value)] = vocabulary.Count;
        }

        var merges = new JsonArray();
        foreach ((string left, string right) in new[] { ("t", "h"), ("th", "e"), ("i", "n"), ("a", "n"), ("l", "l"), ("e", "r"), ("o", "u"), ("s", "t") })
        {
            merges.Add((JsonNode)$"{left} {right}");
            vocabulary[left + right] = vocabulary.Count;
        }

        var added = new JsonArray();
        foreach (string token in addedTokens)
        {
            added.Add((JsonNode)new JsonObject
            {
                ["id"] = vocabulary.Count + added.Count,
                ["content"] = token,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = token.StartsWith("<|", StringComparison.Ordinal),
            });
        }

        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["post_processor"] = null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["continuing_subword_prefix"] = "",
                ["end_of_word_suffix"] = "",
                ["fuse_unk"] = false,
                ["byte_fallback"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = merges,
            },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
        var config = new JsonObject { ["eos_token"] = endToken, ["bos_token"] = null, ["chat_template"] = Template };
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    /// <summary>The character that stands for a byte in byte-level vocabularies: itself where printable, else one from U+0100 on.</summary>
    private static string ByteSymbol(int value)
    {
        static bool IsPrintable(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        int symbol = IsPrintable(value) ? value : 256 + Enumerable.Range(0, value).Count(b => !IsPrintable(b));
        return new Rune(symbol).ToString();
    }
}
