using System.Text;
using CsCheck;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tests.Tokens;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

/// <summary>A small valid folder with damage to one file: what is read of it works or is refused, never another exception.</summary>
public sealed class FolderMutationTests
{
    private const string Seed = "0N0XIzNsQ0O2";
    private const string Weights = "model-1.safetensors";
    private const string Header = """{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[8,16]}}""";

    private static readonly string[] Fragments =
    [
        "\"", "{", "}", "[", "]", ",", ":", "null", "true", "-1", "0", "1e999", "99999999999", "\\ud800", "\\u0000", "\u2581", " ", "\"type\":", "\"Sequence\"", "\"Metaspace\"", "\"Replace\"",
        "\"ByteLevel\"", "\"\"", "{}", "[]", "{%", "%}", "{{", "}}", "|", "\n", "\uFEFF", "<0x00>", "<unk>",
    ];

    private static readonly Dictionary<string, string> Files = new()
    {
        ["config.json"] = Text(folder => folder.WithConfig("""{ "rope_scaling": { "rope_type": "yarn", "factor": 4.0 } }"""), "config.json"),
        ["generation_config.json"] = """{ "eos_token_id": [7, 9], "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.1 }""",
        ["tokenizer.json"] =
            """
            { "added_tokens": [{ "id": 0, "content": "<unk>", "special": true, "rstrip": true }, { "id": 7, "content": "</s>", "lstrip": true, "normalized": true }],
              "normalizer": { "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, { "type": "Replace", "pattern": { "String": " " }, "content": "▁" }, { "type": "NFC" }] },
              "pre_tokenizer": { "type": "Sequence", "pretokenizers": [{ "type": "Split", "pattern": { "Regex": "a+|[^b]" }, "behavior": "Isolated" }, { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true }] },
              "post_processor": { "type": "TemplateProcessing", "single": [{ "SpecialToken": { "id": "</s>" } }, { "Sequence": { "id": "A" } }], "special_tokens": { "</s>": { "ids": [7] } } },
              "decoder": { "type": "Sequence", "decoders": [{ "type": "Replace", "pattern": { "String": "▁" }, "content": " " }, { "type": "ByteFallback" }, { "type": "Fuse" }, { "type": "Strip", "content": " ", "start": 1, "stop": 0 }] },
              "model": { "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "vocab": { "<unk>": 0, "▁": 1, "a": 2, "b": 3, "ab": 4, "▁a": 5, "<0x41>": 6, "</s>": 7, " ": 8 }, "merges": ["a b", "▁ a"] } }
            """,
        ["tokenizer_config.json"] = """{ "bos_token": "</s>", "eos_token": { "content": "</s>" }, "added_tokens_decoder": { "7": { "content": "</s>", "special": true } }, "chat_template": [{ "name": "default", "template": "{% for m in messages %}{{ m.role }}{{ m['content'] | trim }}{% endfor %}" }] }""",
        ["model.safetensors.index.json"] = """{ "metadata": {}, "weight_map": { "a": "model-1.safetensors", "b": "model-1.safetensors" } }""",
    };

    public static TheoryData<string> Names => [.. Files.Keys, Weights];

    [Theory]
    [MemberData(nameof(Names))]
    public void DamagedFile_IsReadOrRefused(string name)
    {
        using ModelFolder folder = Whole();
        string whole = Files.GetValueOrDefault(name, Header);
        Action[] readers = name switch
        {
            "config.json" or "generation_config.json" => [() => ModelConfig.Load(folder.Path)],
            "tokenizer.json" => [ReadTokenizer],
            "tokenizer_config.json" => [ReadTokenizer, ReadTemplate],
            _ => [() => SafetensorsCheckpoint.Open(folder.Path, null).Dispose()],
        };
        Gen.Select(Gen.Int[0, 4000], Gen.Int[0, 6], RandomText.OneOf(Fragments)).Array[1, 4].Sample(
            edits =>
            {
                string damaged = edits.Aggregate(whole, Apply);
                if (name == Weights)
                {
                    folder.WriteSafetensors(name, damaged, new byte[16]);
                }
                else
                {
                    folder.With(name, damaged);
                }

                Assert.All(readers, RequireReadOrRefused);
            },
            seed: Seed,
            iter: 250,
            threads: 1);

        void ReadTemplate() => ChatTemplate.Load(folder.Path).Render(new ChatTemplateInput([], null, true, null), CancellationToken.None);

        void ReadTokenizer()
        {
            ModelTokenizer tokenizer = ModelTokenizer.Load(folder.Path);
            int[] ids = [.. tokenizer.EncodePrompt("a b</s> <unk> \u2581é").SelectMany(segment => segment.TokenIds), .. tokenizer.Encode("ab </s>a")];
            tokenizer.Decode(ids);
        }

        static string Apply(string text, (int Position, int Length, string Text) edit)
        {
            int at = edit.Position % (text.Length + 1);
            return text[..at] + edit.Text + text[Math.Min(text.Length, at + edit.Length)..];
        }
    }

    [Fact]
    public void WholeFolder_IsRead()
    {
        using ModelFolder folder = Whole();
        Assert.Equal([7, 9], ModelConfig.Load(folder.Path).EndTokenIds);
        Assert.Equal([1, 2, 3], ModelTokenizer.Load(folder.Path).EncodeText("ab"));
        ChatTemplate.Load(folder.Path);
        SafetensorsCheckpoint.Open(folder.Path, null).Dispose();
    }

    private static ModelFolder Whole()
    {
        var folder = new ModelFolder();
        foreach ((string name, string text) in Files)
        {
            folder.With(name, text);
        }

        folder.WriteSafetensors(Weights, Header, new byte[16]);
        return folder;
    }

    private static string Text(Action<ModelFolder> write, string name)
    {
        using var folder = new ModelFolder();
        write(folder);
        return Encoding.UTF8.GetString(File.ReadAllBytes(folder.File(name)));
    }

    private static void RequireReadOrRefused(Action read)
    {
        Exception? error = Record.Exception(read);
        Assert.True(error is null or InvalidDataException, error?.ToString());
    }
}
