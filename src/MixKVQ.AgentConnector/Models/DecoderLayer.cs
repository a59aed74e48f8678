using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>One block of the decoder: normed self-attention and a normed MLP, each added to the residual stream.</summary>
internal sealed class DecoderLayer : IDisposable
{
    private readonly IPointwiseKernels _pointwise;

    /// <param name="config">The model's shape.</param>
    /// <param name="prefix">Of the layer's weights, with a dot at its end.</param>
    /// <param name="reader">Gives the weights.</param>
    /// <param name="hadamard">[headDim, headDim] to rotate values by, or null; borrowed while constructing.</param>
    /// <param name="kernel">Computes attention; shared.</param>
    /// <param name="pointwise">The small operations; shared.</param>
    public DecoderLayer(
        ModelConfig config, string prefix, WeightReader reader, Tensor? hadamard, IAttentionKernel kernel, IPointwiseKernels pointwise)
    {
        _pointwise = pointwise;
        InputNorm = new RmsNorm(reader, $"{prefix}input_layernorm.weight", config.HiddenSize, config.RmsNormEpsilon);
        Attention = new SelfAttention(config, $"{prefix}self_attn.", reader, hadamard, kernel, pointwise);
        PostAttentionNorm = new RmsNorm(reader, $"{prefix}post_attention_layernorm.weight", config.HiddenSize, config.RmsNormEpsilon);
        Mlp = new Mlp(config, $"{prefix}mlp.", reader, pointwise);
    }

    /// <summary>The norm before attention.</summary>
    public RmsNorm InputNorm { get; }

    /// <summary>The attention.</summary>
    public SelfAttention Attention { get; }

    /// <summary>The norm before the MLP.</summary>
    public RmsNorm PostAttentionNorm { get; }

    /// <summary>The MLP.</summary>
    public Mlp Mlp { get; }

    /// <param name="hidden">[tokens, hidden], model dtype, contiguous: the residual stream; changed in place.</param>
    /// <param name="cache">The layer's cache; keys and values of the tokens are appended.</param>
    /// <param name="rotation">[tokens, headDim] as <see cref="RotaryEmbedding.At"/> gives it; borrowed.</param>
    public void Apply(Tensor hidden, LayerCache cache, Tensor rotation)
    {
        using var scope = NewDisposeScope();
        Tensor normed = _pointwise.RmsNorm(hidden, InputNorm.Weight, InputNorm.Epsilon);
        hidden.add_(Attention.Apply(normed, hidden, cache, rotation), Scalars.One);
        hidden.add_(Mlp.Apply(_pointwise.RmsNorm(hidden, PostAttentionNorm.Weight, PostAttentionNorm.Epsilon)), Scalars.One);
    }

    public void Dispose()
    {
        InputNorm.Dispose();
        Attention.Dispose();
        PostAttentionNorm.Dispose();
        Mlp.Dispose();
    }
}
