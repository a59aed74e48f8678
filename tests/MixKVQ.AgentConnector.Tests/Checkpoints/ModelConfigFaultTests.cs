using MixKVQ.AgentConnector.Checkpoints;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

public sealed class ModelConfigFaultTests
{
    [Theory]
    [InlineData("""{ "model_type": "qwen3_moe", "architectures": ["Qwen3MoeForCausalLM"] }""", "qwen3_moe", "mixture of experts", "dense Llama, Mistral, Qwen2 and Qwen3")]
    [InlineData("""{ "model_type": "mixtral", "architectures": null }""", "mixture of experts", "dense Llama, Mistral, Qwen2 and Qwen3")]
    [InlineData("""{ "num_local_experts": 8 }""", "mixture of experts", "num_local_experts", "dense Llama")]
    [InlineData("""{ "model_type": "gpt2", "architectures": null }""", "gpt2", "dense Llama, Mistral, Qwen2 and Qwen3")]
    [InlineData("""{ "architectures": ["LlamaForSequenceClassification"] }""", "LlamaForSequenceClassification", "causal language models")]
    [InlineData("""{ "model_type": "mistral", "architectures": null, "sliding_window": 128 }""", "sliding-window attention over 128 tokens", "full attention is")]
    [InlineData("""{ "model_type": "qwen2", "architectures": null, "use_sliding_window": true, "sliding_window": 128, "max_window_layers": 1 }""", "sliding-window", "full attention is")]
    [InlineData("""{ "rope_scaling": { "rope_type": "longrope", "factor": 2.0 } }""", "longrope", "default, linear, dynamic, llama3 and yarn are")]
    [InlineData("""{ "rope_scaling": { "type": "mrope" } }""", "mrope", "default, linear, dynamic, llama3 and yarn are")]
    [InlineData("""{ "partial_rotary_factor": 0.5 }""", "partial_rotary_factor", "full rotation")]
    [InlineData("""{ "rope_scaling": { "rope_type": "linear" } }""", "factor", "missing")]
    [InlineData("""{ "rope_scaling": { "rope_type": "llama3", "factor": 2.0 } }""", "original_max_position_embeddings is missing")]
    [InlineData("""{ "hidden_act": "gelu" }""", "gelu", "silu is")]
    [InlineData("""{ "quantization_config": { "quant_method": "gptq", "bits": 4 } }""", "gptq", "float32, float16 and bfloat16")]
    [InlineData("""{ "torch_dtype": "float8_e4m3fn" }""", "float8_e4m3fn", "float32, float16 and bfloat16")]
    [InlineData("""{ "num_key_value_heads": 3 }""", "num_key_value_heads (3)", "divide")]
    [InlineData("""{ "hidden_size": 30 }""", "head_dim is missing", "30")]
    [InlineData("""{ "head_dim": 7 }""", "head_dim", "even")]
    [InlineData("""{ "num_hidden_layers": 2000000000 }""", "num_hidden_layers", "from 1 to", "2000000000")]
    [InlineData("""{ "hidden_size": -1 }""", "hidden_size", "-1")]
    [InlineData("""{ "vocab_size": 1e300 }""", "vocab_size", "1e300")]
    [InlineData("""{ "rms_norm_eps": "small" }""", "rms_norm_eps", "small")]
    [InlineData("""{ "eos_token_id": [2, 64] }""", "eos_token_id", "64")]
    [InlineData("""{ "rope_scaling": [] }""", "rope_scaling", "an object")]
    public void Load_NamesWhatIsNotSupportedAndWhatIs(string changes, params string[] words)
    {
        using var folder = new ModelFolder();
        folder.WithConfig(changes);

        var error = Assert.Throws<InvalidDataException>(() => ModelConfig.Load(folder.Path));

        Assert.All([folder.File("config.json"), .. words], word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Load_ListsAllFaultsTogether()
    {
        using var folder = new ModelFolder();
        folder.WithConfig("""{ "hidden_act": "gelu", "intermediate_size": 0, "rope_scaling": { "type": "su" }, "vocab_size": null }""");

        var error = Assert.Throws<InvalidDataException>(() => ModelConfig.Load(folder.Path));

        Assert.All(["gelu", "intermediate_size", "\"su\"", "vocab_size is missing"], word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{ \"model_type\": ")]
    [InlineData("{}")]
    public void Load_RefusesAFileThatIsNoConfig(string text)
    {
        using var folder = new ModelFolder();
        folder.With("config.json", text);
        var error = Assert.Throws<InvalidDataException>(() => ModelConfig.Load(folder.Path));
        Assert.Contains(folder.File("config.json"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NamesAMissingConfig()
    {
        using var folder = new ModelFolder();
        var error = Assert.Throws<InvalidDataException>(() => ModelConfig.Load(folder.Path));
        Assert.Contains("does not exist; pass a folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NamesBadSamplingDefaults()
    {
        using var folder = new ModelFolder();
        folder.WithConfig().With("generation_config.json", """{ "temperature": -1, "top_p": 2, "top_k": 0.5 }""");

        var error = Assert.Throws<InvalidDataException>(() => ModelConfig.Load(folder.Path));

        Assert.All(["generation_config.json", "temperature", "top_p", "top_k"], word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }
}
