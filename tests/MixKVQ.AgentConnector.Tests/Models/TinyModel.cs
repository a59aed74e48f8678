using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using MixKVQ.AgentConnector.Tests.Conversations;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>A small model with random weights, as a Hugging Face folder and as plain arrays.</summary>
internal sealed class TinyModel : IDisposable
{
    private const string Base =
        """
        {
          "model_type": "llama", "vocab_size": 48, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-6,
          "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": false, "torch_dtype": "float32", "sliding_window": null
        }
        """;

    private readonly ModelFolder _folder = new();

    public TinyModel(string changes, int seed = 1)
    {
        Config = JsonNode.Parse(Base)!.AsObject();
        foreach ((string name, JsonNode? value) in JsonNode.Parse(changes)!.AsObject())
        {
            Config[name] = value?.DeepClone();
        }

        AddWeights(new Random(seed));
        _folder.With("config.json", Config.ToJsonString());
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(
            _folder.File("model.safetensors"),
            [.. Weights.Select(weight => (weight.Key, tensor(weight.Value.Values, weight.Value.Shape)))]);
    }

    public string Folder => _folder.Path;

    /// <summary>A whole model folder: a Qwen3 of random weights with <see cref="TinyTokenizer"/> and its template.</summary>
    public static TinyModel OfChats()
    {
        var model = new TinyModel("""
            {
              "model_type": "qwen3", "vocab_size": 300, "hidden_size": 64, "head_dim": 64, "num_attention_heads": 2, "num_key_value_heads": 1,
              "max_position_embeddings": 2048, "tie_word_embeddings": true
            }
            """);
        TinyTokenizer.Write(model.Folder);
        return model;
    }

    public JsonObject Config { get; }

    public Dictionary<string, (long[] Shape, float[] Values)> Weights { get; } = [];

    /// <summary>Random token ids of this model's vocabulary.</summary>
    public int[] Tokens(int count, int seed = 2)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(Size("vocab_size")))];
    }

    public void Dispose() => _folder.Dispose();

    private int Size(string name) => (int)Config[name]!;

    private bool Flag(string name) => Config[name]?.GetValue<bool>() == true;

    private void AddWeights(Random random)
    {
        string type = (string)Config["model_type"]!;
        int hidden = Size("hidden_size");
        int headDim = Config["head_dim"] is { } given ? (int)given : hidden / Size("num_attention_heads");
        int queries = Size("num_attention_heads") * headDim;
        int keys = Size("num_key_value_heads") * headDim;
        int inner = Size("intermediate_size");
        bool outputBias = type is "llama" or "qwen3" && Flag("attention_bias");
        Matrix("model.embed_tokens", Size("vocab_size"), hidden, false);
        for (int layer = 0; layer < Size("num_hidden_layers"); layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Matrix(prefix + "self_attn.q_proj", queries, hidden, outputBias || type == "qwen2");
            Matrix(prefix + "self_attn.k_proj", keys, hidden, outputBias || type == "qwen2");
            Matrix(prefix + "self_attn.v_proj", keys, hidden, outputBias || type == "qwen2");
            Matrix(prefix + "self_attn.o_proj", hidden, queries, outputBias);
            Matrix(prefix + "mlp.gate_proj", inner, hidden, type == "llama" && Flag("mlp_bias"));
            Matrix(prefix + "mlp.up_proj", inner, hidden, type == "llama" && Flag("mlp_bias"));
            Matrix(prefix + "mlp.down_proj", hidden, inner, type == "llama" && Flag("mlp_bias"));
            Vector(prefix + "input_layernorm.weight", hidden, 1);
            Vector(prefix + "post_attention_layernorm.weight", hidden, 1);
            if (type == "qwen3")
            {
                Vector(prefix + "self_attn.q_norm.weight", headDim, 1);
                Vector(prefix + "self_attn.k_norm.weight", headDim, 1);
            }
        }

        Vector("model.norm.weight", hidden, 1);
        if (!Flag("tie_word_embeddings"))
        {
            Matrix("lm_head", Size("vocab_size"), hidden, false);
        }

        void Matrix(string name, int rows, int columns, bool bias)
        {
            Weights[$"{name}.weight"] = ([rows, columns], Normal(rows * columns, 0, 1.5 / Math.Sqrt(columns)));
            if (bias)
            {
                Vector($"{name}.bias", rows, 0);
            }
        }

        void Vector(string name, int length, double mean) => Weights[name] = ([length], Normal(length, mean, 0.3));

        float[] Normal(int count, double mean, double deviation) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(mean + (deviation * Gauss(random))))];
    }

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
