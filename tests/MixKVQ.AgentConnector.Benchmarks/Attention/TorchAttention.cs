using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>libtorch's attention of one token over a history in full precision, in the forms that it can be asked for without copying keys and values.</summary>
internal sealed class TorchAttention : IDisposable
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly Tensor _grouped;
    private readonly Tensor _scaled;
    private readonly Tensor _expanded;
    private readonly int _group;
    private readonly string _type;

    /// <param name="geometry">The heads.</param>
    /// <param name="tokens">The history; its keys and values are held as often as it takes to find them cold.</param>
    /// <param name="type">Their type.</param>
    /// <param name="source">What they are.</param>
    public TorchAttention(CacheGeometry geometry, int tokens, ScalarType type, OutlierTokens source)
    {
        _group = geometry.GroupSize;
        _type = type == ScalarType.BFloat16 ? "bf16" : "fp32";
        int elementBytes = type == ScalarType.BFloat16 ? 2 : 4;
        int copies = ColdCopies.Of(2L * tokens * geometry.KeyValueHeadCount * geometry.HeadDim * elementBytes);
        _keys = [.. Enumerable.Range(0, copies).Select(_ => source.InFull(ofKeys: true, tokens, type))];
        _values = [.. Enumerable.Range(0, copies).Select(_ => source.InFull(ofKeys: false, tokens, type))];
        using Tensor normal = randn(1, geometry.KeyValueHeadCount, _group, geometry.HeadDim);
        _grouped = normal.to(type);
        _scaled = (_grouped / Math.Sqrt(geometry.HeadDim)).to(type);
        _expanded = _grouped.reshape(geometry.KeyValueHeadCount, _group, 1, geometry.HeadDim);
    }

    /// <summary>The forms of scaled_dot_product_attention.</summary>
    public IReadOnlyList<Contestant> Forms =>
    [
        new($"SDPA {_type}, q [1, kvHeads, group, d]", turn => Attend(_grouped, _keys[turn % _keys.Length], _values[turn % _keys.Length])),
        new($"SDPA {_type}, heads expanded", turn =>
        {
            using Tensor keys = Expanded(_keys[turn % _keys.Length]), values = Expanded(_values[turn % _keys.Length]);
            Attend(_expanded, keys, values);
        }),
    ];

    /// <summary>Two products and a softmax instead.</summary>
    public Contestant Products => new($"products {_type}", turn =>
    {
        using Tensor columns = _keys[turn % _keys.Length].transpose(2, 3);
        using Tensor logits = matmul(_scaled, columns), weights = nn.functional.softmax(logits, 3);
        matmul(weights, _values[turn % _keys.Length]).Dispose();
    });

    public void Dispose()
    {
        foreach (Tensor tensor in _keys.Concat(_values))
        {
            tensor.Dispose();
        }

        _grouped.Dispose();
        _scaled.Dispose();
        _expanded.Dispose();
    }

    private static void Attend(Tensor queries, Tensor keys, Tensor values) => nn.functional.scaled_dot_product_attention(queries, keys, values).Dispose();

    // [1, kvHeads, tokens, headDim] as [kvHeads, group, tokens, headDim], without a copy.
    private Tensor Expanded(Tensor heads)
    {
        using Tensor perHead = heads.transpose(0, 1);
        return perHead.expand(heads.shape[1], _group, heads.shape[2], heads.shape[3]);
    }
}
