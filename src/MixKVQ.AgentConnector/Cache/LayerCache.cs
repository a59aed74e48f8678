using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>One layer's part of a <see cref="KvCache"/>. Not thread-safe.</summary>
internal sealed class LayerCache
{
    private readonly KvCache _cache;
    private readonly int _layer;

    internal LayerCache(KvCache cache, int layer)
    {
        _cache = cache;
        _layer = layer;
    }

    /// <summary>Tokens appended in the step under way.</summary>
    internal int StepTokens { get; set; }

    /// <summary>
    /// Appends a step's tokens; once a layer and step, at most <see cref="KvCache.TokensToPageBorder"/> tokens. They are in <see cref="View"/> at once,
    /// and count after <see cref="KvCache.CompleteStep"/>. All tensors are borrowed and copied. Call without gradients.
    /// </summary>
    /// <param name="queries">[tokens, queryHeads, headDim], post-RoPE, any float type: only their mean magnitudes are kept.</param>
    /// <param name="keys">[tokens, kvHeads, headDim], post-RoPE, model dtype.</param>
    /// <param name="values">[tokens, kvHeads, headDim], model dtype.</param>
    /// <param name="residual">[tokens, hidden], the layer's input, for the layer's weight; null lets all layers weigh alike.</param>
    /// <exception cref="ArgumentException">A shape differs from the cache's geometry.</exception>
    /// <exception cref="InvalidOperationException">The step crosses a page border, or this layer has appended in this step already.</exception>
    public void Append(Tensor queries, Tensor keys, Tensor values, Tensor? residual) => _cache.Append(_layer, queries, keys, values, residual);

    /// <summary>As <see cref="Append(Tensor, Tensor, Tensor, Tensor?)"/>, one token, on the CPU, without tensors. Allocates nothing.</summary>
    /// <param name="queries">[queryHeads, headDim], post-RoPE.</param>
    /// <param name="keys">[kvHeads, headDim], post-RoPE; rounded to the model's type.</param>
    /// <param name="values">[kvHeads, headDim]; rounded to the model's type.</param>
    /// <param name="residual">[hidden], the layer's input, for the layer's weight.</param>
    /// <exception cref="ArgumentException">A length differs from the cache's geometry.</exception>
    /// <exception cref="InvalidOperationException">This layer has appended in this step already.</exception>
    public void Append(ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, ReadOnlySpan<float> residual) =>
        _cache.Append(_layer, queries, keys, values, residual);

    /// <summary>What this layer holds, the tokens of the step under way included.</summary>
    public CacheView View => _cache.View(_layer);
}
