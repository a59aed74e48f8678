using MixKVQ.AgentConnector.Native;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>
/// Slabs in a device's memory. Torch's allocator gives memory for tensors of a page's size in pieces of 20 MiB, of which a part stays unused: slabs lie side by side in larger
/// tensors. What is done to them is in the order of Torch's current stream.
/// </summary>
/// <param name="device">Where the slabs are.</param>
internal sealed unsafe class DeviceSlabs(Device device) : ISlabMemory
{
    /// <summary>The most bytes of a region of more than one slab.</summary>
    private const long RegionBytes = 64 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, SlabRegion> _regionOf = [];
    private readonly Dictionary<int, List<SlabRegion>> _regions = [];

    /// <inheritdoc/>
    public bool IsHost => false;

    /// <summary>Bytes of all regions, in use or not.</summary>
    public long ReservedBytes { get { lock (_lock) { return _regions.Values.Sum(regions => regions.Sum(region => (long)region.SlabBytes * region.Count)); } } }

    /// <inheritdoc/>
    public nint Allocate(int bytes)
    {
        lock (_lock)
        {
            if (!_regions.TryGetValue(bytes, out List<SlabRegion>? regions))
            {
                _regions.Add(bytes, regions = []);
            }

            // The fullest first, so that others empty.
            SlabRegion? region = regions.Where(region => region.FreeCount > 0).MinBy(region => region.FreeCount);
            if (region is null)
            {
                // As many as there are: a size that comes once takes one slab.
                int count = (int)Math.Clamp(RegionBytes / bytes, 1, Math.Max(1, regions.Sum(region => region.Count)));
                regions.Add(region = new SlabRegion(device, bytes, count));
            }

            nint slab = region.Take();
            _regionOf[slab] = region;
            return slab;
        }
    }

    /// <inheritdoc/>
    public void Free(nint slab)
    {
        lock (_lock)
        {
            if (!_regionOf.Remove(slab, out SlabRegion? region))
            {
                throw new ArgumentException("The address is not that of a slab in use.", nameof(slab));
            }

            region.Return(slab);
            if (region.FreeCount == region.Count)
            {
                _regions[region.SlabBytes].Remove(region);
                region.Dispose();
            }
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

    private Tensor Part(nint slab, int bytes)
    {
        lock (_lock)
        {
            return _regionOf[slab].Part(slab, bytes);
        }
    }
}
