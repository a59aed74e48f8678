using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Cache.Fuzzing;

/// <summary>
/// Damages pages and images of one small cache and reads them. What is refused must leave nothing behind; what is accepted must do no harm: both kernels run
/// over an accepted page that ends where memory ends, and an accepted image goes on for more than a page. Anything else throws, or ends the process.
/// </summary>
internal sealed unsafe class CacheFuzz : IDisposable
{
    private const int Tokens = 160 + 128 + 5;
    private const int MoreTokens = 130;

    private readonly CacheDriver _driver;
    private readonly KvCacheFactory _factory;
    private readonly KvCache _cache;
    private readonly CacheImage _image;
    private readonly byte[][] _pages;
    private readonly GuardedMemory _memory;
    private readonly IAttentionKernel[] _kernels = [new PackedAttention(), new ReferenceAttention()];
    private readonly Random _random;

    public CacheFuzz(KvCachePolicy policy, torch.ScalarType dtype, int headDim, int seed)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1, queryHeads: 2, keyValueHeads: 2, headDim: headDim, dtype: dtype);
        _driver = new CacheDriver(geometry, Tokens + MoreTokens, seed);
        _factory = new KvCacheFactory(geometry, new KvCacheOptions { Policy = policy, TargetBits = 4.6 });
        _cache = _factory.Create();
        _driver.Feed(_cache, Tokens);
        _image = _cache.Export();
        _pages = [.. _image.Pages.Select(page => page.Bytes.ToArray())];
        _memory = new GuardedMemory(PagePool.SlabBytesFor(_factory.Layout.MaxBytes));
        _random = new Random(seed);
    }

    /// <summary>What was read.</summary>
    public long Accepted { get; private set; }

    /// <summary>What was not.</summary>
    public long Refused { get; private set; }

    /// <summary>Damages and reads a page.</summary>
    public void TryPage()
    {
        byte[] whole = _pages[_random.Next(_pages.Length)];
        byte[] damaged = ByteDamage.Apply(whole, _random, _random.Next(8) > 0, Vitals(whole));
        try
        {
            Page page = _factory.ReadPage(damaged);
            Accepted++;
            Attend(page.Bytes);
            page.Release();
        }
        catch (InvalidDataException)
        {
            Refused++;
        }
    }

    /// <summary>Damages and reads an image, its pages included.</summary>
    public void TryImage()
    {
        List<Page> pages = [];
        long held = _factory.HeldBytes;
        try
        {
            foreach (byte[] page in _pages)
            {
                pages.Add(_factory.ReadPage(_random.Next(8) == 0 ? ByteDamage.Apply(page, _random, keepsLength: true, Vitals(page)) : page));
            }

            Rearrange(pages);
            int tokens = _random.Next(8) == 0 ? _random.Next(-1, 500) : _image.TokenCount;
            CacheImage image = new(tokens, DamagedSometimes(_image.Sinks), DamagedSometimes(_image.Open), [.. pages]);
            pages.Clear();
            using KvCache cache = _factory.Import(image);
            Accepted++;
            _driver.Feed(cache, Tokens + MoreTokens);
        }
        catch (InvalidDataException)
        {
            pages.ForEach(page => page.Release());
            Refused++;
        }

        if (_factory.HeldBytes != held)
        {
            throw new InvalidOperationException($"{_factory.HeldBytes - held} bytes are left.");
        }
    }

    /// <summary>Throws where something was left behind.</summary>
    public void CheckIntegrity()
    {
        _factory.Pool.CheckIntegrity();
        if (_factory.Pool.LivePageCount != _pages.Length)
        {
            throw new InvalidOperationException($"{_factory.Pool.LivePageCount} pages are in use, {_pages.Length} are held.");
        }
    }

    public void Dispose()
    {
        _image.Dispose();
        _cache.Dispose();
        _factory.Dispose();
        _driver.Dispose();
        _memory.Dispose();
    }

    private void Attend(ReadOnlySpan<byte> slab)
    {
        // Never released: the pool does not know the memory.
        var page = new Page(_factory.Pool, (nint)_memory.Place(slab), slab.Length);
        CacheView view = _cache.Layer(0).View with { Pages = [page] };
        using torch.Tensor queries = _driver.LayerQueries(0, view.TokenCount - 1, 1);
        foreach (IAttentionKernel kernel in _kernels)
        {
            kernel.Attend(queries, view, 0.2f).Dispose();
        }
    }

    private void Rearrange(List<Page> pages)
    {
        switch (_random.Next(12))
        {
            case 0:
                pages.Reverse();
                break;
            case 1:
                pages[0].Release();
                pages[0] = pages[1].AddReference();
                break;
            case 2:
                pages[1].Release();
                pages.RemoveAt(1);
                break;
            case 3:
                pages.Add(pages[0].AddReference());
                break;
            default:
                break;
        }
    }

    private ReadOnlyMemory<byte> DamagedSometimes(ReadOnlyMemory<byte> bytes) =>
        _random.Next(3) == 0 ? ByteDamage.Apply(bytes.Span, _random, _random.Next(4) > 0, [bytes.Length - 96]) : bytes;

    /// <summary>The page's header and where its matrices begin.</summary>
    private int[] Vitals(byte[] slab) =>
    [
        0,
        .. Enumerable.Range(0, _factory.Geometry.BlockCount)
            .SelectMany(block => new[] { _factory.Layout.KeysOffset(slab, block), _factory.Layout.ValuesOffset(slab, block, 0) }),
    ];
}
