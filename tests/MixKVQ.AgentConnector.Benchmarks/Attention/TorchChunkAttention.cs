using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>libtorch's attention of a page of new tokens over a history in full precision, in the forms that it can be asked for without copying keys and values.</summary>
internal sealed class TorchChunkAttention : IDisposable
{
    private readonly Tensor _keys;
    private readonly Tensor _values;
    private readonly Tensor _expandedKeys;
    private readonly Tensor _expandedValues;
    private readonly Tensor _grouped;
    private readonly Tensor _expanded;
    private readonly Tensor _groupedMask;
    private readonly Tensor _mask;
    private readonly string _type;

    /// <param name="geometry">The heads.</param>
    /// <param name="tokens">History and new tokens.</param>
    /// <param name="type">Their type.</param>
    /// <param name="source">What they are.</param>
    public TorchChunkAttention(CacheGeometry geometry, int tokens, ScalarType type, OutlierTokens source)
    {
        const int Chunk = CacheGeometry.PageTokens;
        (int heads, int group, int headDim) = (geometry.KeyValueHeadCount, geometry.GroupSize, geometry.HeadDim);
        _type = type == ScalarType.BFloat16 ? "bf16" : "fp32";
        _keys = source.InFull(ofKeys: true, tokens, type);
        _values = source.InFull(ofKeys: false, tokens, type);
        _expandedKeys = _keys.transpose(0, 1).expand(heads, group, tokens, headDim);
        _expandedValues = _values.transpose(0, 1).expand(heads, group, tokens, headDim);
        _expanded = randn(heads, group, Chunk, headDim).to(type);
        _grouped = _expanded.reshape(1, heads, group * Chunk, headDim);
        using Tensor hidden = full([Chunk, Chunk], float.NegativeInfinity).triu(1);
        _mask = cat([zeros(Chunk, tokens - Chunk), hidden], 1).to(type);
        _groupedMask = _mask.repeat(group, 1);
    }

    /// <summary>The forms that hide later tokens.</summary>
    public IReadOnlyList<Contestant> Masked => Forms(_groupedMask, _mask);

    /// <summary>The forms that hide nothing.</summary>
    public IReadOnlyList<Contestant> Unmasked => Forms(null, null);

    public void Dispose()
    {
        foreach (Tensor tensor in new[] { _keys, _values, _expandedKeys, _expandedValues, _grouped, _expanded, _groupedMask, _mask })
        {
            tensor.Dispose();
        }
    }

    private IReadOnlyList<Contestant> Forms(Tensor? groupedMask, Tensor? mask) =>
    [
        new($"{_type}, q [1, kvHeads, group · tokens, d]", _ => nn.functional.scaled_dot_product_attention(_grouped, _keys, _values, groupedMask).Dispose()),
        new($"{_type}, heads expanded", _ => nn.functional.scaled_dot_product_attention(_expanded, _expandedKeys, _expandedValues, mask).Dispose()),
    ];
}
