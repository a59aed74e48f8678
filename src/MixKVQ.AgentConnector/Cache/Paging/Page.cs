namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>
/// A sealed page: 128 tokens of all layers and heads in one slab of native memory, 64-byte aligned. It never changes once sealed.
/// Forks share it by reference count; the last release gives the slab back to its pool. Safe to share between threads.
/// </summary>
internal sealed unsafe class Page
{
    private readonly PagePool _pool;
    private byte* _slab;
    private int _references = 1;

    internal Page(PagePool pool, byte* slab, int slabBytes)
    {
        _pool = pool;
        _slab = slab;
        SlabBytes = slabBytes;
    }

    /// <summary>Bytes of the slab.</summary>
    public int SlabBytes { get; }

    /// <summary>What the slab holds; set when the page is sealed or read.</summary>
    public PageContents Contents { get; set; }

    /// <summary>The slab. Written only while the page is being sealed or read.</summary>
    /// <exception cref="ObjectDisposedException">The last reference was released.</exception>
    public Span<byte> Bytes => new(Start, SlabBytes);

    /// <summary>The slab's first byte, for kernels that read in place while they hold the page.</summary>
    /// <exception cref="ObjectDisposedException">The last reference was released.</exception>
    public byte* Start => _slab is null ? throw new ObjectDisposedException(nameof(Page)) : _slab;

    /// <summary>References held; 0 once released.</summary>
    public int ReferenceCount => Volatile.Read(ref _references);

    /// <summary>Adds a reference on behalf of another holder.</summary>
    public Page AddReference()
    {
        int before = Interlocked.Increment(ref _references) - 1;
        ObjectDisposedException.ThrowIf(before <= 0, this);
        return this;
    }

    /// <summary>Drops one reference.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left == 0)
        {
            byte* slab = _slab;
            _slab = null;
            _pool.Return(this, slab);
        }
    }
}
