using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>Models of published shapes, built on the meta device: which weights they read is approved as text.</summary>
public sealed class RealShapeTests
{
    private const string Qwen3 =
        """
        {
          "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
          "head_dim": 128, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 12288,
          "max_position_embeddings": 40960, "max_window_layers": 36, "model_type": "qwen3", "num_attention_heads": 32, "num_hidden_layers": 36,
          "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null,
          "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true, "use_sliding_window": false, "vocab_size": 151936
        }
        """;

    private const string Llama31 =
        """
        {
          "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
          "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
          "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
          "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
          "rope_scaling": { "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3" },
          "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true, "vocab_size": 128256
        }
        """;

    private const string R1DistillQwen =
        """
        {
          "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643, "hidden_act": "silu",
          "hidden_size": 5120, "initializer_range": 0.02, "intermediate_size": 13824, "max_position_embeddings": 131072, "max_window_layers": 48,
          "model_type": "qwen2", "num_attention_heads": 40, "num_hidden_layers": 48, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
          "rope_theta": 1000000.0, "sliding_window": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
          "use_sliding_window": false, "vocab_size": 152064
        }
        """;

    [Theory]
    [InlineData("Qwen3-8B", Qwen3)]
    [InlineData("Llama-3.1-8B", Llama31)]
    [InlineData("R1-Distill-Qwen-14B", R1DistillQwen)]
    public void WeightsOfAPublishedShape_AreTheApprovedOnes(string name, string configJson)
    {
        using var folder = new ModelFolder();
        ModelConfig config = ModelConfig.Load(folder.With("config.json", configJson).Path);
        var source = new ShapeRecorder();

        using var model = new DecoderModel(config, source, torch.META, ScalarType.BFloat16, rotateValues: true);

        Assert.Equal(
            DecoderTensors.Of(config).Select(spec => (spec.Name, string.Join(", ", spec.Shape))).Order(),
            source.Read.Select(spec => (spec.Name, string.Join(", ", spec.Shape))).Order());
        string approved = Path.Combine(Fixtures.RepositoryRoot, "tests", "MixKVQ.AgentConnector.Tests", "Models", "Approved", $"{name}.txt");
        Assert.Equal(File.ReadAllText(approved), Describe(source.Read, config.LayerCount));
    }

    // Layers are alike: those of the first stand for all, and the others are required to be the same.
    private static string Describe(List<TensorSpec> specs, int layerCount)
    {
        var lines = new List<string>();
        foreach (IGrouping<string, TensorSpec> group in specs.GroupBy(spec => General(spec.Name)))
        {
            Assert.Equal(group.Key.Contains("{layer}", StringComparison.Ordinal) ? layerCount : 1, group.Count());
            lines.Add($"{group.Key} {Assert.Single(group.Select(spec => $"[{string.Join(", ", spec.Shape)}]").Distinct())}");
        }

        long parameters = specs.Sum(spec => spec.Shape.Aggregate(1L, (product, size) => product * size));
        return $"{string.Join('\n', lines)}\n{layerCount} layers, {parameters:N0} parameters\n";
    }

    private static string General(string name)
    {
        string[] parts = name.Split('.');
        return parts[1] == "layers" ? string.Join('.', [.. parts[..2], "{layer}", .. parts[3..]]) : name;
    }

    private sealed class ShapeRecorder : IWeightSource
    {
        public List<TensorSpec> Read { get; } = [];

        void IWeightSource.Read(string name, Tensor destination)
        {
            Assert.Equal(DeviceType.META, destination.device_type);
            Read.Add(new TensorSpec(name, destination.shape));
        }
    }
}
