using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Sinks or tail of one layer as raw memory. Borrowed: valid as long as the view it is of.</summary>
/// <param name="part">The tensors, on the CPU.</param>
/// <param name="position">Position of the first token in the view.</param>
/// <param name="format">Type of the elements.</param>
/// <param name="headDim">Elements of a row.</param>
internal readonly unsafe struct DenseRows(DensePart part, int position, ElementFormat format, int headDim)
{
    private readonly byte* _keys = (byte*)TensorMemory.DataPointer(part.Keys);
    private readonly byte* _values = (byte*)TensorMemory.DataPointer(part.Values);
    private readonly long _rowBytes = headDim * format.Bytes();
    private readonly long _headBytes = part.Keys.size(1) * headDim * format.Bytes();

    /// <summary>Rows, one a token.</summary>
    public readonly int Count = part.Count;

    /// <summary>Position of the first token in the view.</summary>
    public readonly int Position = position;

    /// <summary>A head's key of the token at an index.</summary>
    public byte* Key(int head, int index) => _keys + head * _headBytes + index * _rowBytes;

    /// <summary>A head's value of the token at an index.</summary>
    public byte* Value(int head, int index) => _values + head * _headBytes + index * _rowBytes;
}
