using MixKVQ.AgentConnector.Checkpoints;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The names and shapes of a decoder's weights in a Hugging Face checkpoint.</summary>
internal static class DecoderTensors
{
    public const string Embedding = "model.embed_tokens.weight";
    public const string FinalNorm = "model.norm.weight";

    /// <summary>The output projection, without <c>.weight</c>.</summary>
    public const string Output = "lm_head";

    /// <summary>The prefix of a layer's weights.</summary>
    public static string Layer(int index) => $"model.layers.{index}.";

    /// <summary>All weights that the model reads.</summary>
    public static IEnumerable<TensorSpec> Of(ModelConfig config)
    {
        yield return new(Embedding, [config.VocabularySize, config.HiddenSize]);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            foreach (TensorSpec spec in OfLayer(config, Layer(layer)))
            {
                yield return spec;
            }
        }

        yield return new(FinalNorm, [config.HiddenSize]);
        if (!config.TieEmbeddings)
        {
            yield return new($"{Output}.weight", [config.VocabularySize, config.HiddenSize]);
        }
    }

    /// <summary>Whether a checkpoint may hold a tensor that the model does not read: a tied output projection, or precomputed rotary frequencies.</summary>
    public static bool MayIgnore(ModelConfig config, string name) =>
        (config.TieEmbeddings && name == $"{Output}.weight") || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static IEnumerable<TensorSpec> OfLayer(ModelConfig config, string prefix)
    {
        long hidden = config.HiddenSize;
        long queryWidth = (long)config.QueryHeadCount * config.HeadDim;
        long keyWidth = (long)config.KeyValueHeadCount * config.HeadDim;
        long inner = config.IntermediateSize;
        (string Name, long Outputs, long Inputs, bool Bias)[] projections =
        [
            ("self_attn.q_proj", queryWidth, hidden, config.AttentionBias),
            ("self_attn.k_proj", keyWidth, hidden, config.AttentionBias),
            ("self_attn.v_proj", keyWidth, hidden, config.AttentionBias),
            ("self_attn.o_proj", hidden, queryWidth, config.AttentionOutputBias),
            ("mlp.gate_proj", inner, hidden, config.MlpBias),
            ("mlp.up_proj", inner, hidden, config.MlpBias),
            ("mlp.down_proj", hidden, inner, config.MlpBias),
        ];
        foreach ((string name, long outputs, long inputs, bool bias) in projections)
        {
            yield return new($"{prefix}{name}.weight", [outputs, inputs]);
            if (bias)
            {
                yield return new($"{prefix}{name}.bias", [outputs]);
            }
        }

        if (config.QueryKeyNorm)
        {
            yield return new($"{prefix}self_attn.q_norm.weight", [config.HeadDim]);
            yield return new($"{prefix}self_attn.k_norm.weight", [config.HeadDim]);
        }

        yield return new($"{prefix}input_layernorm.weight", [hidden]);
        yield return new($"{prefix}post_attention_layernorm.weight", [hidden]);
    }
}
