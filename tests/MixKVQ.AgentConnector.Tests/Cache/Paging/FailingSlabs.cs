using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Tests.Cache.Paging;

/// <summary>The process's memory, which is exhausted on demand.</summary>
internal sealed class FailingSlabs : ISlabMemory
{
    private readonly HostSlabs _slabs = new();

    /// <summary>Thrown in the place of the next allocations, while set.</summary>
    public Exception? Failure { get; set; }

    public bool IsHost => true;

    public nint Allocate(int bytes) => Failure is { } failure ? throw failure : _slabs.Allocate(bytes);

    public void Free(nint slab) => _slabs.Free(slab);

    public void Clear(nint slab, int bytes) => _slabs.Clear(slab, bytes);

    public void Read(nint slab, Span<byte> target) => _slabs.Read(slab, target);

    public void Write(ReadOnlySpan<byte> source, nint slab) => _slabs.Write(source, slab);

    public bool AreEqual(nint slab, nint other, int bytes) => _slabs.AreEqual(slab, other, bytes);
}
