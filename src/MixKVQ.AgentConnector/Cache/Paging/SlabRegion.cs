using MixKVQ.AgentConnector.Native;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>Slabs of one size side by side in one Torch tensor of bytes. Not thread-safe.</summary>
internal sealed class SlabRegion : IDisposable
{
    private readonly Tensor _memory;
    private readonly nint _start;
    private readonly Stack<nint> _free = [];

    /// <summary>Takes the memory.</summary>
    /// <param name="device">Where it is.</param>
    /// <param name="slabBytes">Of one slab.</param>
    /// <param name="count">Slabs, one or more.</param>
    public SlabRegion(Device device, int slabBytes, int count)
    {
        // Torch aligns to 64 bytes on the CPU and to 512 on a GPU.
        _memory = empty(((long)slabBytes * count) + PagePool.Slack, dtype: ScalarType.Byte, device: device).DetachFromDisposeScope();
        _start = TensorMemory.DataPointer(_memory);
        (SlabBytes, Count) = (slabBytes, count);
        for (int i = count - 1; i >= 0; i--)
        {
            _free.Push(_start + ((nint)slabBytes * i));
        }
    }

    /// <summary>Bytes of one slab.</summary>
    public int SlabBytes { get; }

    /// <summary>Slabs, in use or not.</summary>
    public int Count { get; }

    /// <summary>Slabs not in use.</summary>
    public int FreeCount => _free.Count;

    /// <summary>Takes a slab; there is one.</summary>
    public nint Take() => _free.Pop();

    /// <summary>Gives a slab back.</summary>
    public void Return(nint slab) => _free.Push(slab);

    /// <summary>A slab's first bytes, the caller's to dispose.</summary>
    public Tensor Part(nint slab, int bytes) => _memory.narrow(0, slab - _start, bytes);

    /// <summary>Gives the memory back to Torch.</summary>
    public void Dispose() => _memory.Dispose();
}
