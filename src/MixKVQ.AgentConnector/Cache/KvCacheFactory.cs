using MixKVQ.AgentConnector.Cache.Cuda;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Makes the caches of one model under one policy; they share a page pool. Safe for concurrent callers.</summary>
internal sealed class KvCacheFactory : IDisposable
{
    private readonly PageInspector _inspector;
    private readonly QueryStatisticsKernels? _statistics;
    private readonly IKernelDevice? _device;

    /// <summary>Chooses policy, page layout and slab size, once.</summary>
    /// <param name="geometry">The model's shapes.</param>
    /// <param name="options">What the caches are to be.</param>
    /// <param name="team">Shares the work of sealing a page without a device, and is not run by anyone else meanwhile; without a team the caller's thread does it.</param>
    /// <param name="device">Whose kernels read and write the caches, which are all in its memory then; null for the process's own memory.</param>
    /// <exception cref="ArgumentException">The options or the geometry are out of range, or the model's heads are too small for the target; the message lists the faults.</exception>
    public KvCacheFactory(CacheGeometry geometry, KvCacheOptions options, WorkerTeam? team = null, IKernelDevice? device = null)
    {
        Geometry = geometry.Validated();
        _device = device;
        List<string> faults = [];
        options.CollectFaults("Cache", faults);
        if (options.ValueGroupSize is int size && size >= 8 && geometry.HeadDim % size != 0)
        {
            faults.Add($"Cache.{nameof(KvCacheOptions.ValueGroupSize)} is {size}; allowed for this model: a divisor of its head dimension {geometry.HeadDim}.");
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(options));
        }

        ICachePolicy policy = CreatePolicy(options);
        ElementFormat format = geometry.Format;
        int valueGroupSize = options.ValueGroupSize ?? geometry.HeadDim;
        Layout = new PackedPageLayout(
            geometry,
            new MatrixLayout(geometry.HeadDim, CacheGeometry.PageTokens, policy.KeyWidths, policy.ScaleBytes, format),
            new MatrixLayout(CacheGeometry.PageTokens, valueGroupSize, policy.ValueWidths, policy.ScaleBytes, format),
            options.CorrectsKeyBias);
        Pool = new PagePool(device is null ? new HostSlabs() : new DeviceSlabs(geometry.Device));
        _statistics = device is null ? null : new QueryStatisticsKernels(device);
        Sealer = device is null
            ? new PageSealer(Layout, policy, Pool, team ?? new WorkerTeam(1))
            : new CudaPageSealer(Layout, policy, Pool, device);
        _inspector = new PageInspector(Layout, policy.ScaleBytes, Sealer.FixedPageBytes);
    }

    /// <summary>The model's shapes.</summary>
    public CacheGeometry Geometry { get; }

    /// <summary>How pages are laid out.</summary>
    public PackedPageLayout Layout { get; }

    /// <summary>Where pages live.</summary>
    public PagePool Pool { get; }

    /// <summary>Bytes of a sealed page, or null where it differs from page to page.</summary>
    public int? PageBytes => Sealer.FixedPageBytes;

    /// <summary>Bytes that all caches hold together, each shared piece once.</summary>
    public long HeldBytes => Pool.LiveBytes + Buffers.Value;

    /// <summary>The memory, now, of the device that the caches are on; null where that is the process's own. Safe on any thread.</summary>
    public DeviceMemory? DeviceMemory => _device?.MemoryInfo;

    /// <summary>Counts sinks, tails and statistics.</summary>
    internal ByteMeter Buffers { get; } = new();

    internal IPageSealer Sealer { get; }

    /// <summary>The most bytes that a cache comes to hold of its own that shares its first tokens with another and grows.</summary>
    /// <param name="sharedTokens">The tokens shared; 0 for an empty cache.</param>
    /// <param name="tokens">The tokens held in the end.</param>
    public long BytesToHold(int sharedTokens, int tokens) =>
        (sharedTokens < CacheGeometry.SinkTokens ? TokenBuffer.BytesFor(Geometry, CacheGeometry.SinkTokens) : 0)
        + TokenBuffer.BytesFor(Geometry, CacheGeometry.PageTokens)
        + QueryStatistics.BytesFor(Geometry)
        + (CacheGeometry.PagesIn(tokens) - CacheGeometry.PagesIn(sharedTokens)) * (long)(PageBytes ?? PagePool.SlabBytesFor(Layout.MaxBytes));

    /// <summary>An empty cache, the caller's to dispose.</summary>
    public KvCache Create() => new(this);

    /// <summary>A page of bytes that were a page of such a cache, checked as bytes from a stranger are; the caller owns the reference.</summary>
    /// <exception cref="InvalidDataException">They are no page of this model and policy; the message says why.</exception>
    public Page ReadPage(ReadOnlySpan<byte> slab)
    {
        _inspector.RequireLength(slab.Length);
        Page page = Pool.Rent(slab.Length);
        try
        {
            // The copy is what is checked: whatever the caller's bytes lie in may change meanwhile.
            page.Write(slab);
            page.Contents = _inspector.Inspect(page.Read());
            return page;
        }
        catch
        {
            page.Release();
            throw;
        }
    }

    /// <summary>The cache that <paramref name="image"/>, which is taken over, was made of; the caller's to dispose.</summary>
    /// <exception cref="InvalidDataException">It is no image of a cache of this model; the message says why. The image is disposed.</exception>
    public KvCache Import(CacheImage image)
    {
        using (image)
        {
            CacheImageShape shape = CacheImageCheck.Require(image, Layout);
            return KvCache.Of(this, image, shape);
        }
    }

    /// <summary>Frees the memory kept for reuse. Dispose caches first.</summary>
    public void Dispose()
    {
        (Sealer as IDisposable)?.Dispose();
        Pool.Dispose();
    }

    /// <summary>Statistics of no token, the caller's to dispose.</summary>
    internal IQueryStatistics CreateStatistics() => _statistics is null ? new QueryStatistics(Geometry) : new DeviceQueryStatistics(Geometry, _statistics);

    /// <summary>Statistics that were written, checked; the caller's to dispose.</summary>
    /// <exception cref="InvalidDataException">They cannot be statistics of as many tokens; the message says why.</exception>
    internal IQueryStatistics ReadStatistics(ReadOnlySpan<byte> source, int tokens) => _statistics is null
        ? QueryStatistics.Read(Geometry, source, tokens)
        : DeviceQueryStatistics.Read(Geometry, _statistics, source, tokens);

    private static ICachePolicy CreatePolicy(KvCacheOptions options) => options.Policy switch
    {
        KvCachePolicy.Uniform2 => new UniformPolicy(2),
        KvCachePolicy.Uniform3 => new UniformPolicy(3),
        KvCachePolicy.Uniform4 => new UniformPolicy(4),
        KvCachePolicy.Uniform8 => new UniformPolicy(8),
        KvCachePolicy.MixKvqThresholds => new ThresholdPolicy(options.FullPrecisionThreshold, options.FourBitThreshold),
        KvCachePolicy.MixKvq => new BudgetPolicy(options.TargetBits),
        _ => new UniformPolicy(WidthPalette.Full),
    };
}
