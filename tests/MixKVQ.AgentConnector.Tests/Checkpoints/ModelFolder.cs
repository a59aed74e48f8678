using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

/// <summary>A temporary model folder, removed when disposed.</summary>
internal sealed class ModelFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mixkvq-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public ModelFolder With(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return this;
    }

    /// <summary>Writes config.json: a small Llama, with fields replaced (null) or added.</summary>
    public ModelFolder WithConfig(string changes = "{}")
    {
        JsonObject config = JsonNode.Parse(
            """
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 64, "hidden_size": 32,
              "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
              "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu",
              "tie_word_embeddings": false, "torch_dtype": "bfloat16", "eos_token_id": 2
            }
            """)!.AsObject();
        foreach ((string name, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            config[name] = value?.DeepClone();
        }

        return With("config.json", config.ToJsonString());
    }

    /// <summary>Writes a safetensors file with an arbitrary header and data, right or wrong.</summary>
    public string WriteSafetensors(string name, string header, byte[] data, ulong? declaredHeaderBytes = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, declaredHeaderBytes ?? (ulong)json.Length);
        System.IO.File.WriteAllBytes(File(name), [.. length, .. json, .. data]);
        return File(name);
    }

    public ModelFolder WithIndex(params (string Tensor, string File)[] places) => With(
        "model.safetensors.index.json",
        JsonSerializer.Serialize(new { weight_map = places.ToDictionary(place => place.Tensor, place => place.File) }));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
