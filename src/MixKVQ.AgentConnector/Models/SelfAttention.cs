using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>Grouped-query attention over a layer's cache: project, norm and rotate, append, attend, project.</summary>
internal sealed class SelfAttention : IDisposable
{
    private readonly ModelConfig _config;
    private readonly IAttentionKernel _kernel;
    private readonly IPointwiseKernels _pointwise;

    /// <param name="config">The model's shape.</param>
    /// <param name="prefix">Of the layer's weights, with a dot at its end.</param>
    /// <param name="reader">Gives the weights.</param>
    /// <param name="hadamard">[headDim, headDim] to rotate values by, or null; borrowed while constructing.</param>
    /// <param name="kernel">Computes attention; shared.</param>
    /// <param name="pointwise">The small operations; shared.</param>
    public SelfAttention(
        ModelConfig config, string prefix, WeightReader reader, Tensor? hadamard, IAttentionKernel kernel, IPointwiseKernels pointwise)
    {
        _config = config;
        _kernel = kernel;
        _pointwise = pointwise;
        Scale = (float)(1 / Math.Sqrt(config.HeadDim));
        int queryWidth = config.QueryHeadCount * config.HeadDim;
        int keyWidth = config.KeyValueHeadCount * config.HeadDim;
        QueryKeyValue = reader.ReadProjection(
            config.HiddenSize,
            config.AttentionBias,
            new ProjectionPart($"{prefix}q_proj", queryWidth),
            new ProjectionPart($"{prefix}k_proj", keyWidth),
            new ProjectionPart($"{prefix}v_proj", keyWidth, hadamard is null ? null : values => ValueRotation.RotateRows(values, hadamard)));
        // A bias of the output projection is added after the rotation is undone; only the matrix is changed.
        Output = reader.ReadProjection(
            queryWidth,
            config.AttentionOutputBias,
            new ProjectionPart(
                $"{prefix}o_proj",
                config.HiddenSize,
                hadamard is null ? null : output => output.dim() == 1 ? output : ValueRotation.RotateColumns(output, hadamard)));
        if (config.QueryKeyNorm)
        {
            QueryNorm = new RmsNorm(reader, $"{prefix}q_norm.weight", config.HeadDim, config.RmsNormEpsilon);
            KeyNorm = new RmsNorm(reader, $"{prefix}k_norm.weight", config.HeadDim, config.RmsNormEpsilon);
        }
    }

    /// <summary>Queries stacked on keys stacked on values.</summary>
    public Projection QueryKeyValue { get; }

    /// <summary>Back to the residual stream.</summary>
    public Projection Output { get; }

    /// <summary>The norm of each query head, in models that have one.</summary>
    public RmsNorm? QueryNorm { get; }

    /// <summary>The norm of each key head, in models that have one.</summary>
    public RmsNorm? KeyNorm { get; }

    /// <summary>What logits are multiplied by.</summary>
    public float Scale { get; }

    /// <summary>Attends from the new tokens to themselves and all before them.</summary>
    /// <param name="input">[tokens, hidden], model dtype, normed; borrowed.</param>
    /// <param name="residual">[tokens, hidden], the layer's input; borrowed.</param>
    /// <param name="cache">The layer's cache; keys and values of the tokens are appended.</param>
    /// <param name="rotation">[tokens, headDim] as <see cref="RotaryEmbedding.At"/> gives it; borrowed.</param>
    /// <returns>[tokens, hidden], model dtype; the caller's dispose scope holds it.</returns>
    public Tensor Apply(Tensor input, Tensor residual, LayerCache cache, Tensor rotation)
    {
        long tokens = input.size(0);
        Tensor projected = QueryKeyValue.Apply(input);
        Tensor queries = NormAndRotate(Heads(projected, 0, _config.QueryHeadCount), QueryNorm, rotation);
        Tensor keys = NormAndRotate(Heads(projected, _config.QueryHeadCount, _config.KeyValueHeadCount), KeyNorm, rotation);
        Tensor values = Heads(projected, _config.QueryHeadCount + _config.KeyValueHeadCount, _config.KeyValueHeadCount);
        cache.Append(queries, keys, values, residual);
        Tensor attended = _kernel.Attend(queries, cache.View, Scale);
        return Output.Apply(attended.reshape(tokens, -1));
    }

    public void Dispose()
    {
        QueryKeyValue.Dispose();
        Output.Dispose();
        QueryNorm?.Dispose();
        KeyNorm?.Dispose();
    }

    private Tensor NormAndRotate(Tensor heads, RmsNorm? norm, Tensor rotation) =>
        _pointwise.NormAndRotate(heads, norm?.Weight, norm?.Epsilon ?? 0, rotation);

    // [tokens, headCount, headDim] of the fused projection, a view; the product starts at its storage's start.
    private Tensor Heads(Tensor projected, int first, int headCount) => projected.as_strided(
        [projected.size(0), headCount, _config.HeadDim], [projected.stride(0), _config.HeadDim, 1], (long)first * _config.HeadDim);
}
