namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>
/// A sealed page: 128 tokens of all layers and heads in one slab, 64-byte aligned, of the process's memory or a device's. It never changes once sealed.
/// Forks share it by reference count; the last release gives the slab back to its pool. Safe to share between threads.
/// </summary>
internal sealed unsafe class Page
{
    private readonly PagePool _pool;
    private nint _slab;
    private int _references = 1;

    internal Page(PagePool pool, nint slab, int slabBytes)
    {
        _pool = pool;
        _slab = slab;
        SlabBytes = slabBytes;
    }

    /// <summary>Bytes of the slab.</summary>
    public int SlabBytes { get; }

    /// <summary>What the slab holds; set when the page is sealed or read.</summary>
    public PageContents Contents { get; set; }

    /// <summary>The slab, where it is in the process's memory. Written only while the page is being sealed or read.</summary>
    /// <exception cref="ObjectDisposedException">The last reference was released.</exception>
    /// <exception cref="InvalidOperationException">The slab is in a device's memory.</exception>
    public Span<byte> Bytes => _pool.Memory.IsHost
        ? new(Start, SlabBytes)
        : throw new InvalidOperationException($"The page is in a device's memory; read it with {nameof(Read)}.");

    /// <summary>The slab's first byte, on its device, for kernels that read in place while they hold the page.</summary>
    /// <exception cref="ObjectDisposedException">The last reference was released.</exception>
    public byte* Start => _slab == 0 ? throw new ObjectDisposedException(nameof(Page)) : (byte*)_slab;

    /// <summary>References held; 0 once released.</summary>
    public int ReferenceCount => Volatile.Read(ref _references);

    /// <summary>The slab's bytes for the host, with as many readable ones behind as a slab has: in place where it is in the process's memory, else a copy.</summary>
    /// <exception cref="ObjectDisposedException">The last reference was released.</exception>
    public ReadOnlySpan<byte> Read()
    {
        if (_pool.Memory.IsHost)
        {
            return Bytes;
        }

        Span<byte> copy = new byte[SlabBytes + PagePool.Slack].AsSpan(0, SlabBytes);
        _pool.Memory.Read((nint)Start, copy);
        return copy;
    }

    /// <summary>Writes the slab's beginning, while the page is being sealed or read.</summary>
    /// <param name="source">At most as many bytes as the slab has.</param>
    /// <exception cref="ObjectDisposedException">The last reference was released.</exception>
    public void Write(ReadOnlySpan<byte> source)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source.Length, SlabBytes, nameof(source));
        _pool.Memory.Write(source, (nint)Start);
    }

    /// <summary>Whether another page of the same pool holds the same bytes.</summary>
    /// <exception cref="ObjectDisposedException">The last reference to one of them was released.</exception>
    public bool HasSameBytes(Page other) => SlabBytes == other.SlabBytes && _pool.Memory.AreEqual((nint)Start, (nint)other.Start, SlabBytes);

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
            nint slab = _slab;
            _slab = 0;
            _pool.Return(this, slab);
        }
    }
}
