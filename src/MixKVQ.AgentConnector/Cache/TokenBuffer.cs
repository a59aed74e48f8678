using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// Keys and values of a few tokens of all layers in the model's type: the sinks, or the tail.
/// Allocated once for its full capacity, so that a step writes and allocates nothing. Reference-counted: full sinks are shared by forks.
/// </summary>
internal sealed class TokenBuffer
{
    private readonly Tensor _storage;
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly ByteMeter _meter;
    private int _references = 1;

    /// <param name="geometry">The shapes.</param>
    /// <param name="capacity">Tokens to have room for.</param>
    /// <param name="meter">Counts this buffer while it lives.</param>
    public TokenBuffer(CacheGeometry geometry, int capacity, ByteMeter meter)
        : this(geometry, capacity, meter, zeros([geometry.LayerCount, 2, geometry.KeyValueHeadCount, capacity, geometry.HeadDim], dtype: geometry.DType, device: geometry.Device))
    {
    }

    private TokenBuffer(CacheGeometry geometry, int capacity, ByteMeter meter, Tensor storage)
    {
        _meter = meter;
        Capacity = capacity;
        Bytes = BytesFor(geometry, capacity);
        meter.Add(Bytes);
        _storage = storage.DetachFromDisposeScope();
        _keys = [.. Enumerable.Range(0, geometry.LayerCount).Select(layer => Part(layer, 0))];
        _values = [.. Enumerable.Range(0, geometry.LayerCount).Select(layer => Part(layer, 1))];
    }

    /// <summary>Tokens it has room for.</summary>
    public int Capacity { get; }

    /// <summary>Bytes allocated, used or not.</summary>
    public long Bytes { get; }

    /// <summary>[layers, 2 (keys, values), kvHeads, capacity, headDim], model dtype; owned by this buffer.</summary>
    public Tensor Storage => _storage;

    /// <summary>The bytes of a buffer with room for <paramref name="capacity"/> tokens.</summary>
    public static long BytesFor(CacheGeometry geometry, int capacity) => geometry.ElementsPerToken * geometry.ElementBytes * capacity;

    /// <summary>A layer's keys: [kvHeads, capacity, headDim], model dtype, contiguous; owned by this buffer.</summary>
    public Tensor Keys(int layer) => _keys[layer];

    /// <summary>A layer's values: [kvHeads, capacity, headDim], model dtype, contiguous; owned by this buffer.</summary>
    public Tensor Values(int layer) => _values[layer];

    /// <summary>Copies keys and values, [tokens, kvHeads, headDim] each and borrowed, to rows from <paramref name="row"/> on.</summary>
    public void Write(int layer, int row, Tensor keys, Tensor values)
    {
        Copy(keys, _keys[layer], row);
        Copy(values, _values[layer], row);
    }

    /// <summary>A buffer of its own with the same first <paramref name="rows"/> rows.</summary>
    public TokenBuffer Copy(CacheGeometry geometry, int rows)
    {
        var copy = new TokenBuffer(geometry, Capacity, _meter);
        if (rows > 0)
        {
            using Tensor from = _storage.narrow(3, 0, rows);
            using Tensor to = copy._storage.narrow(3, 0, rows);
            to.copy_(from);
        }

        return copy;
    }

    public TokenBuffer AddReference()
    {
        Interlocked.Increment(ref _references);
        return this;
    }

    /// <summary>Drops one reference; the last one frees the memory.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) > 0)
        {
            return;
        }

        foreach (Tensor part in _keys.Concat(_values))
        {
            part.Dispose();
        }

        _storage.Dispose();
        _meter.Add(-Bytes);
    }

    private static void Copy(Tensor tokens, Tensor buffer, int row)
    {
        using Tensor rows = buffer.narrow(1, row, tokens.shape[0]);
        using Tensor headsFirst = tokens.transpose(0, 1);
        rows.copy_(headsFirst);
    }

    private Tensor Part(int layer, int which)
    {
        using Tensor ofLayer = _storage.select(0, layer);
        return ofLayer.select(0, which).DetachFromDisposeScope();
    }
}
