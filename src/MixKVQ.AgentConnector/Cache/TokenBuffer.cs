using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// Keys and values of a few tokens of all layers in the model's type: the sinks, or the tail.
/// Allocated once for its full capacity, so that a step writes and allocates nothing. Reference-counted: full sinks are shared by forks.
/// </summary>
internal sealed unsafe class TokenBuffer
{
    private readonly Tensor _storage;
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly CacheGeometry _geometry;
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
        _geometry = geometry;
        _storage = storage.DetachFromDisposeScope();
        Address = TensorMemory.DataPointer(_storage);
        _keys = [.. Enumerable.Range(0, geometry.LayerCount).Select(layer => Part(layer, 0))];
        _values = [.. Enumerable.Range(0, geometry.LayerCount).Select(layer => Part(layer, 1))];
    }

    /// <summary>Tokens it has room for.</summary>
    public int Capacity { get; }

    /// <summary>Bytes allocated, used or not.</summary>
    public long Bytes { get; }

    /// <summary>[layers, 2 (keys, values), kvHeads, capacity, headDim], model dtype; owned by this buffer.</summary>
    public Tensor Storage => _storage;

    /// <summary>The address of <see cref="Storage"/>, on its device.</summary>
    public nint Address { get; }

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

    /// <summary>Rounds one token's keys and values, [kvHeads, headDim] each, into a row of a buffer on the CPU.</summary>
    public void Write(int layer, int row, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        WriteRow(2 * layer, row, keys);
        WriteRow((2 * layer) + 1, row, values);
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

    /// <summary>Copies the first rows out, to [layers, 2, kvHeads, rows, headDim].</summary>
    public void ReadRows(int rows, Span<byte> target)
    {
        if (rows > 0)
        {
            fixed (byte* start = target[..checked((int)BytesFor(_geometry, rows))])
            {
                using Tensor host = RowsAt((nint)start, rows);
                using Tensor held = _storage.narrow(3, 0, rows);
                host.copy_(held);
            }
        }
    }

    /// <summary>Copies the first rows in, from [layers, 2, kvHeads, rows, headDim].</summary>
    public void WriteRows(int rows, ReadOnlySpan<byte> source)
    {
        if (rows > 0)
        {
            fixed (byte* start = source[..checked((int)BytesFor(_geometry, rows))])
            {
                using Tensor host = RowsAt((nint)start, rows);
                using Tensor held = _storage.narrow(3, 0, rows);
                held.copy_(host);
            }
        }
    }

    /// <summary>Whether both hold the same bytes, all rows counted.</summary>
    public bool HasSameBytes(TokenBuffer other)
    {
        using Tensor host = _storage.cpu(), otherHost = other._storage.cpu();
        return new ReadOnlySpan<byte>((byte*)TensorMemory.DataPointer(host), (int)Bytes)
            .SequenceEqual(new ReadOnlySpan<byte>((byte*)TensorMemory.DataPointer(otherHost), (int)other.Bytes));
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

    private Tensor RowsAt(nint start, int rows) =>
        TensorMemory.FromBlob(start, [_geometry.LayerCount, 2, _geometry.KeyValueHeadCount, rows, _geometry.HeadDim], _geometry.DType);

    private void WriteRow(int part, int row, ReadOnlySpan<float> heads)
    {
        ElementFormat format = _geometry.Format;
        int rowBytes = _geometry.HeadDim * _geometry.ElementBytes;
        byte* target = (byte*)Address + ((((long)part * _geometry.KeyValueHeadCount * Capacity) + row) * rowBytes);
        for (; !heads.IsEmpty; heads = heads[_geometry.HeadDim..], target += (long)Capacity * rowBytes)
        {
            format.Write(heads[.._geometry.HeadDim], new Span<byte>(target, rowBytes));
        }
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
