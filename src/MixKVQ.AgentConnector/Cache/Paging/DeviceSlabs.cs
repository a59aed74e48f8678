using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>Slabs in a device's memory, each a Torch tensor of bytes: what is done to them is in the order of Torch's current stream, and freed ones are Torch's to reuse.</summary>
/// <param name="device">Where the slabs are.</param>
internal sealed unsafe class DeviceSlabs(Device device) : ISlabMemory
{
    private readonly ConcurrentDictionary<nint, Tensor> _slabs = new();

    /// <inheritdoc/>
    public bool IsHost => false;

    /// <inheritdoc/>
    public nint Allocate(int bytes)
    {
        // Torch aligns to 64 bytes on the CPU and to 512 on a GPU.
        Tensor slab = empty(bytes + PagePool.Slack, dtype: ScalarType.Byte, device: device).DetachFromDisposeScope();
        nint address = TensorMemory.DataPointer(slab);
        _slabs[address] = slab;
        return address;
    }

    /// <inheritdoc/>
    public void Free(nint slab)
    {
        if (_slabs.TryRemove(slab, out Tensor? memory))
        {
            memory.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Clear(nint slab, int bytes)
    {
        using Tensor part = Part(slab, bytes);
        using Tensor same = part.zero_();
    }

    /// <inheritdoc/>
    public void Read(nint slab, Span<byte> target)
    {
        using Tensor part = Part(slab, target.Length);
        fixed (byte* start = target)
        {
            using Tensor host = TensorMemory.FromBlob((nint)start, [target.Length], ScalarType.Byte);
            host.copy_(part);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> source, nint slab)
    {
        using Tensor part = Part(slab, source.Length);
        fixed (byte* start = source)
        {
            using Tensor host = TensorMemory.FromBlob((nint)start, [source.Length], ScalarType.Byte);
            part.copy_(host);
        }
    }

    /// <inheritdoc/>
    public bool AreEqual(nint slab, nint other, int bytes)
    {
        using Tensor part = Part(slab, bytes), otherPart = Part(other, bytes);
        using Tensor equal = part.eq(otherPart);
        using Tensor all = equal.all();
        return all.item<bool>();
    }

    private Tensor Part(nint slab, int bytes) => _slabs[slab].narrow(0, 0, bytes);
}
