using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

public sealed class ModelConfigTests
{
    [Fact]
    public void Load_ReadsALlamaConfig()
    {
        ModelConfig config = Load("{}");

        Assert.Equal(ModelArchitecture.Llama, config.Architecture);
        Assert.Equal((2, 32, 48, 64), (config.LayerCount, config.HiddenSize, config.IntermediateSize, config.VocabularySize));
        Assert.Equal((4, 2, 8), (config.QueryHeadCount, config.KeyValueHeadCount, config.HeadDim));
        Assert.Equal((512, 1e-5, false), (config.MaxPositionCount, config.RmsNormEpsilon, config.TieEmbeddings));
        Assert.Equal(torch.ScalarType.BFloat16, config.TorchDType);
        Assert.Equal([2], config.EndTokenIds);
        Assert.Equal(RopeKind.Default, config.Rope.Kind);
    }

    [Theory]
    [InlineData("llama", false, false, false)]
    [InlineData("mistral", false, false, false)]
    [InlineData("qwen2", true, false, false)]
    [InlineData("qwen3", false, false, true)]
    public void Load_KnowsEachFamilysBiasesAndNorms(string modelType, bool bias, bool outputBias, bool queryKeyNorm)
    {
        ModelConfig config = Load($$"""{ "model_type": "{{modelType}}", "architectures": null, "sliding_window": null }""");
        Assert.Equal((bias, outputBias, queryKeyNorm), (config.AttentionBias, config.AttentionOutputBias, config.QueryKeyNorm));
    }

    [Fact]
    public void Load_HonoursAttentionAndMlpBiasOfLlama()
    {
        ModelConfig config = Load("""{ "attention_bias": true, "mlp_bias": true }""");
        Assert.True(config is { AttentionBias: true, AttentionOutputBias: true, MlpBias: true });
    }

    [Fact]
    public void Load_ResolvesWhatConfigsLeaveOut()
    {
        ModelConfig config = Load("""{ "num_key_value_heads": null, "rope_theta": null, "rms_norm_eps": null, "torch_dtype": null, "eos_token_id": null }""");
        Assert.Equal((4, 10_000.0, 1e-6), (config.KeyValueHeadCount, config.Rope.Theta, config.RmsNormEpsilon));
        Assert.Equal(torch.ScalarType.Float32, config.TorchDType);
        Assert.Empty(config.EndTokenIds);
    }

    [Theory]
    [InlineData("""{ "rope_theta": 500000.0, "rope_scaling": { "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128 } }""")]
    [InlineData("""{ "rope_theta": null, "rope_parameters": { "rope_theta": 500000.0, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128 } }""")]
    public void Load_ReadsRopeInBothSpellings(string changes)
    {
        RopeParameters rope = Load(changes).Rope;
        Assert.Equal(
            new RopeParameters(RopeKind.Llama3, 500_000) { Factor = 8, LowFrequencyFactor = 1, HighFrequencyFactor = 4, OriginalMaxPositionCount = 128 },
            rope);
    }

    [Theory]
    [InlineData("linear", RopeKind.Linear, 512)]
    [InlineData("dynamic", RopeKind.Dynamic, 1024)]
    [InlineData("yarn", RopeKind.Yarn, 1024)]
    public void Load_ReadsTheOldTypeFieldAndStretchesTheContext(string type, object kind, int maxPositions)
    {
        ModelConfig config = Load($$"""{ "rope_scaling": { "type": "{{type}}", "factor": 2.0 } }""");
        Assert.Equal((kind, 2.0, maxPositions), (config.Rope.Kind, config.Rope.Factor, config.MaxPositionCount));
    }

    [Fact]
    public void Load_ComputesYarnsAttentionFactor()
    {
        RopeParameters plain = Load("""{ "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256 } }""").Rope;
        Assert.Equal((0.1 * Math.Log(4)) + 1, plain.AttentionFactor, 12);

        RopeParameters scaled = Load("""{ "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 0.5 } }""").Rope;
        Assert.Equal(((0.1 * Math.Log(4)) + 1) / ((0.05 * Math.Log(4)) + 1), scaled.AttentionFactor, 12);

        Assert.Equal(1.5, Load("""{ "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "attention_factor": 1.5 } }""").Rope.AttentionFactor);
    }

    [Fact]
    public void Load_TakesGenerationConfigBeforeConfig()
    {
        using var folder = new ModelFolder();
        folder.WithConfig().With("generation_config.json", """{ "eos_token_id": [7, 9], "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.05 }""");

        ModelConfig config = ModelConfig.Load(folder.Path);

        Assert.Equal([7, 9], config.EndTokenIds);
        Assert.Equal(new GenerationDefaults(0.6f, 20, 0.95f, null, 1.05f), config.GenerationDefaults);
    }

    [Fact]
    public void Load_TurnsSamplingOffIntoTemperatureZero()
    {
        using var folder = new ModelFolder();
        folder.WithConfig().With("generation_config.json", """{ "do_sample": false, "temperature": 0.6 }""");

        ModelConfig config = ModelConfig.Load(folder.Path);

        Assert.Equal(0f, config.GenerationDefaults.Temperature);
        Assert.Equal([2], config.EndTokenIds);
    }

    [Theory]
    [InlineData("""{ "model_type": "mistral", "architectures": null, "sliding_window": null, "max_position_embeddings": 32768 }""")]
    [InlineData("""{ "model_type": "mistral", "architectures": null, "sliding_window": 4096, "max_position_embeddings": 4096 }""")]
    [InlineData("""{ "model_type": "qwen2", "architectures": null, "sliding_window": 128, "use_sliding_window": false }""")]
    [InlineData("""{ "model_type": "qwen3", "architectures": null, "sliding_window": 128, "use_sliding_window": true, "max_window_layers": 2 }""")]
    [InlineData("""{ "model_type": "qwen3", "architectures": null, "sliding_window": 128, "use_sliding_window": true, "layer_types": ["full_attention", "full_attention"] }""")]
    public void Load_AcceptsASlidingWindowThatIsNotUsed(string changes) => Load(changes);

    private static ModelConfig Load(string changes)
    {
        using var folder = new ModelFolder();
        return ModelConfig.Load(folder.WithConfig(changes).Path);
    }
}
