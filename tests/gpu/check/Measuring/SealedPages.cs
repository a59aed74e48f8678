using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>A few different pages, sealed on the CPU from random tokens with outlier channels, to fill caches of any length with.</summary>
internal sealed class SealedPages
{
    private const int PageCount = 4;
    private readonly PageContents _contents;
    private readonly byte[] _sinks;
    private readonly byte[] _open;

    /// <param name="geometry">The shapes; on any device.</param>
    /// <param name="options">How the pages are packed: with a target, so that all take as many bytes.</param>
    public SealedPages(CacheGeometry geometry, KvCacheOptions options)
    {
        CacheGeometry host = geometry with { Device = CPU };
        using var tokens = new OutlierTokens(host);
        using var factory = new KvCacheFactory(host, options);
        using KvCache cache = factory.Create();
        tokens.Fill(cache, CacheGeometry.SinkTokens + (PageCount * CacheGeometry.PageTokens), geometry.LayerCount);
        using CacheImage image = cache.Export();
        Slabs = [.. image.Pages.Select(page => page.Bytes.ToArray())];
        Layout = factory.Layout with { Geometry = geometry };
        (_contents, _sinks, _open) = (image.Pages[0].Contents, image.Sinks.ToArray(), image.Open.ToArray());
    }

    /// <summary>The pages' bytes, all of the same length.</summary>
    public IReadOnlyList<byte[]> Slabs { get; }

    /// <summary>How the pages are laid out.</summary>
    public PackedPageLayout Layout { get; }

    /// <summary>The pages in a device's memory: [pages, bytes], the caller's.</summary>
    public Tensor On(Device device)
    {
        using var scope = NewDisposeScope();
        return stack(Slabs.Select(slab => tensor(slab, ScalarType.Byte)).ToArray()).to(device, copy: true).MoveToOuterDisposeScope();
    }

    /// <summary>A cache of such pages, each at its own address, that ends with the last of them.</summary>
    /// <param name="factory">Of the geometry and the options of the pages, on a device.</param>
    /// <param name="onDevice">The pages on that device, as <see cref="On"/> gives them; borrowed.</param>
    /// <param name="pageCount">Pages to hold.</param>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">There is no room for it.</exception>
    public unsafe KvCache Fill(KvCacheFactory factory, Tensor onDevice, int pageCount)
    {
        List<Page> pages = [];
        using var image = new CacheImage(CacheGeometry.SinkTokens + (pageCount * CacheGeometry.PageTokens), _sinks, _open, pages);
        while (pages.Count < pageCount)
        {
            Page page = factory.Pool.Rent(Slabs[0].Length);
            pages.Add(page);
            page.Contents = _contents;
            using Tensor target = DeviceBytes.Over((nint)page.Start, Slabs[0].Length, factory.Geometry.Device);
            using Tensor source = onDevice.select(0, pages.Count % Slabs.Count);
            target.copy_(source);
        }

        return factory.Import(image);
    }
}
