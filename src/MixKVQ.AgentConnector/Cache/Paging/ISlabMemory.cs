namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>Where slabs are taken from: the process's memory or a device's. Addresses are valid there. Safe for concurrent callers.</summary>
internal interface ISlabMemory
{
    /// <summary>Whether this process may read and write at the addresses.</summary>
    bool IsHost { get; }

    /// <summary>Takes a slab, aligned to <see cref="PagePool.Granularity"/>, with <see cref="PagePool.Slack"/> readable bytes behind it; its content is undefined.</summary>
    nint Allocate(int bytes);

    /// <summary>Gives a slab back.</summary>
    void Free(nint slab);

    /// <summary>Sets a slab's first bytes to zero.</summary>
    void Clear(nint slab, int bytes);

    /// <summary>Copies a slab's first bytes to the host.</summary>
    void Read(nint slab, Span<byte> target);

    /// <summary>Copies bytes of the host to a slab's beginning.</summary>
    void Write(ReadOnlySpan<byte> source, nint slab);

    /// <summary>Whether two slabs begin with the same bytes.</summary>
    bool AreEqual(nint slab, nint other, int bytes);
}
