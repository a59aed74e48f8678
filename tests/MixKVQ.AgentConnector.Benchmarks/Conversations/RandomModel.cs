using System.Globalization;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using TorchSharp;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Model folders of Qwen3-0.6B's shape in bf16, with random weights and the planner model's tokenizer and template.</summary>
internal static class RandomModel
{
    private const double Spread = 0.03;

    private const string Config =
        """
        { "model_type": "qwen3", "vocab_size": 151936, "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": LAYERS, "num_attention_heads": 16,
          "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 40960, "rope_theta": 1000000, "tie_word_embeddings": true, "torch_dtype": "bfloat16" }
        """;

    /// <summary>Writes one, the caller's to dispose. Qwen3-0.6B has 28 layers.</summary>
    public static ModelFolder Write(int layers)
    {
        var folder = new ModelFolder();
        Write(folder.Path, layers);
        return folder;
    }

    /// <summary>Writes one to an existing folder.</summary>
    public static void Write(string folder, int layers)
    {
        foreach (string file in new[] { "tokenizer.json", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(PlannerModel.Folder, file), Path.Combine(folder, file), overwrite: true);
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), Config.Replace("LAYERS", layers.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
        TorchLibrary.EnsureLoaded();
        torch.manual_seed(1);
        using var scope = torch.NewDisposeScope();
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), [.. DecoderTensors.Of(ModelConfig.Load(folder)).Select(spec => (spec.Name, Weights(spec)))]);
    }

    private static torch.Tensor Weights(TensorSpec spec)
    {
        if (spec.Shape.Count == 1)
        {
            return torch.ones([.. spec.Shape], torch.ScalarType.BFloat16);
        }

        using torch.Tensor normal = torch.randn([.. spec.Shape]);
        return normal.mul_(Spread).to_type(torch.ScalarType.BFloat16);
    }
}
