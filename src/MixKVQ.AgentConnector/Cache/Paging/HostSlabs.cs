using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>Slabs in native memory of this process.</summary>
internal sealed unsafe class HostSlabs : ISlabMemory
{
    /// <inheritdoc/>
    public bool IsHost => true;

    /// <inheritdoc/>
    public nint Allocate(int bytes) => (nint)NativeMemory.AlignedAlloc((nuint)bytes + PagePool.Slack, PagePool.Granularity);

    /// <inheritdoc/>
    public void Free(nint slab) => NativeMemory.AlignedFree((void*)slab);

    /// <inheritdoc/>
    public void Clear(nint slab, int bytes) => Bytes(slab, bytes).Clear();

    /// <inheritdoc/>
    public void Read(nint slab, Span<byte> target) => Bytes(slab, target.Length).CopyTo(target);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> source, nint slab) => source.CopyTo(Bytes(slab, source.Length));

    /// <inheritdoc/>
    public bool AreEqual(nint slab, nint other, int bytes) => Bytes(slab, bytes).SequenceEqual(Bytes(other, bytes));

    private static Span<byte> Bytes(nint slab, int bytes) => new((void*)slab, bytes);
}
