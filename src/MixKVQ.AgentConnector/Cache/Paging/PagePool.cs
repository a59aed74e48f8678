namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>
/// Slabs of memory for pages. Slabs are a multiple of <see cref="Granularity"/> bytes; a policy with a budget asks for one size only.
/// Freed slabs are kept for the next page of their size while they are at most 1/8 of the bytes in use. Safe for concurrent callers.
/// </summary>
/// <param name="memory">Where slabs are taken from; null for the process's own memory.</param>
internal sealed class PagePool(ISlabMemory? memory = null) : IDisposable
{
    /// <summary>Slab sizes are a multiple of this many bytes; slabs begin at a multiple of it.</summary>
    public const int Granularity = 64;

    /// <summary>Bytes behind every slab that vector instructions may read, whatever they hold.</summary>
    public const int Slack = 64;

    /// <summary>
    /// What is in use over what is kept, at least: enough for a turn's fork that is dropped and grown again, and no budget of pages in use is far exceeded.
    /// </summary>
    private const int UsedOverKept = 8;

    private readonly Lock _lock = new();
    private readonly HashSet<Page> _live = [];
    private readonly Dictionary<int, Stack<nint>> _free = [];
    private long _liveBytes;
    private long _freeBytes;
    private bool _disposed;

    /// <summary>Where slabs are taken from.</summary>
    public ISlabMemory Memory { get; } = memory ?? new HostSlabs();

    /// <summary>Bytes of the slabs in use.</summary>
    public long LiveBytes { get { lock (_lock) { return _liveBytes; } } }

    /// <summary>Pages in use.</summary>
    public int LivePageCount { get { lock (_lock) { return _live.Count; } } }

    /// <summary>Bytes held from the system: in use and kept for reuse.</summary>
    public long AllocatedBytes { get { lock (_lock) { return _liveBytes + _freeBytes; } } }

    /// <summary>Bytes of a slab that holds at least <paramref name="bytes"/>.</summary>
    public static int SlabBytesFor(int bytes) => checked((bytes + Granularity - 1) / Granularity * Granularity);

    /// <summary>A page with one reference and a slab of at least <paramref name="bytes"/>, its content zero.</summary>
    public Page Rent(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        int slabBytes = SlabBytesFor(bytes);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_free.TryGetValue(slabBytes, out Stack<nint>? slabs) && slabs.TryPop(out nint slab))
            {
                _freeBytes -= slabBytes;
            }
            else
            {
                slab = Memory.Allocate(slabBytes);
            }

            Memory.Clear(slab, slabBytes);
            var page = new Page(this, slab, slabBytes);
            _live.Add(page);
            _liveBytes += slabBytes;
            return page;
        }
    }

    /// <summary>Throws where the books do not agree with the pages in use.</summary>
    /// <exception cref="InvalidOperationException">A page in use has no reference, or the sums differ.</exception>
    public void CheckIntegrity()
    {
        lock (_lock)
        {
            if (_live.Any(page => page.ReferenceCount < 1))
            {
                throw new InvalidOperationException("A page in use has no reference.");
            }

            long live = _live.Sum(page => (long)page.SlabBytes);
            long free = _free.Sum(size => (long)size.Key * size.Value.Count);
            if (live != _liveBytes || free != _freeBytes)
            {
                throw new InvalidOperationException($"Pages in use hold {live} bytes and free slabs {free}, but the pool counts {_liveBytes} and {_freeBytes}.");
            }
        }
    }

    /// <summary>Frees the slabs that are kept: others need the memory.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            FreeUnused(0);
        }
    }

    /// <summary>Frees the slabs that are kept. Pages still in use stay valid and are freed with their last reference.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            FreeUnused(0);
        }
    }

    internal void Return(Page page, nint slab)
    {
        lock (_lock)
        {
            _live.Remove(page);
            _liveBytes -= page.SlabBytes;
            if (!_free.TryGetValue(page.SlabBytes, out Stack<nint>? slabs))
            {
                _free.Add(page.SlabBytes, slabs = []);
            }

            slabs.Push(slab);
            _freeBytes += page.SlabBytes;
            FreeUnused(_disposed ? 0 : _liveBytes / UsedOverKept);
        }
    }

    private void FreeUnused(long keptBytes)
    {
        foreach ((int slabBytes, Stack<nint> slabs) in _free)
        {
            while (_freeBytes > keptBytes && slabs.TryPop(out nint slab))
            {
                Memory.Free(slab);
                _freeBytes -= slabBytes;
            }
        }
    }
}
