using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

/// <summary>Writes a small tokenizer.json in the manner of Llama 3, which a test may change before it is loaded.</summary>
internal sealed class SmallTokenizerFiles
{
    public const string Llama3Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private static readonly string[] DefaultMerges = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġ Ġ", "1 2", "Ã ©"];

    public SmallTokenizerFiles()
    {
        var vocabulary = new JsonObject();
        for (int value = 0; value < 256; value++)
        {
            vocabulary[ByteAlphabet.ToCharacter((byte)value).ToString()] = value;
        }

        var merges = new JsonArray();
        foreach (string merge in DefaultMerges)
        {
            merges.Add(merge);
            vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        }

        // Reached by no merge: only ignore_merges finds it.
        vocabulary["world"] = vocabulary.Count;

        AddedTokens = [];
        foreach (string content in (string[])["<|begin|>", "<|end|>", "<think>", "</think>", "<|end|>>"])
        {
            AddedTokens.Add((JsonNode)Added(vocabulary.Count + AddedTokens.Count, content, special: content is not ("<think>" or "</think>")));
        }

        Tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["added_tokens"] = AddedTokens,
            ["normalizer"] = null,
            ["pre_tokenizer"] = JsonNode.Parse("""{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {}, "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]}"""),
            ["post_processor"] = JsonNode.Parse($$$$"""{"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [{{{{vocabulary.Count}}}}], "tokens": ["<|begin|>"]}}}]}"""),
            ["decoder"] = JsonNode.Parse("""{"type": "ByteLevel"}"""),
            ["model"] = new JsonObject { ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["ignore_merges"] = true, ["vocab"] = vocabulary, ["merges"] = merges },
        };
        Tokenizer["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = Llama3Pattern;
        Config = new JsonObject { ["bos_token"] = "<|begin|>", ["eos_token"] = new JsonObject { ["content"] = "<|end|>" } };
    }

    public JsonObject Tokenizer { get; }

    public JsonObject Config { get; }

    public JsonArray AddedTokens { get; }

    public JsonObject Vocabulary => Tokenizer["model"]!["vocab"]!.AsObject();

    public JsonArray Merges => Tokenizer["model"]!["merges"]!.AsArray();

    public static JsonObject Added(int id, string content, bool special = true) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = special,
    };

    public ModelTokenizer Load() => LoadText(Tokenizer.ToJsonString());

    /// <summary>Loads a folder with this text as its tokenizer.json.</summary>
    public ModelTokenizer LoadText(string tokenizerJson)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizerJson);
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), Config.ToJsonString());
            return ModelTokenizer.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The message with which loading is refused.</summary>
    public string Refusal() => Assert.Throws<InvalidDataException>(Load).Message;
}
