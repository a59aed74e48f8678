using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>A cache with the default options and as many layers as it takes to find each layer's part of it cold.</summary>
internal sealed unsafe class PackedHistory : IDisposable
{
    private readonly KvCacheFactory _factory;
    private readonly KvCache _cache;

    /// <param name="geometry">The heads; its layers do not count.</param>
    /// <param name="tokens">Tokens to hold.</param>
    /// <param name="source">What they are.</param>
    /// <param name="chunkTokens">Tokens of a step under way beyond them, at most a page's.</param>
    public PackedHistory(CacheGeometry geometry, int tokens, OutlierTokens source, int chunkTokens = 0)
    {
        double bits = new KvCacheOptions().TargetBits;
        Geometry = geometry with { LayerCount = ColdCopies.Of((long)(tokens * geometry.ElementsPerToken / geometry.LayerCount * bits / 8)) };
        _factory = new KvCacheFactory(Geometry, new KvCacheOptions());
        _cache = _factory.Create();
        source.Fill(_cache, tokens, Geometry.LayerCount);
        if (chunkTokens > 0)
        {
            source.Append(_cache, chunkTokens, Geometry.LayerCount);
        }

        Views = [.. Enumerable.Range(0, Geometry.LayerCount).Select(layer => _cache.Layer(layer).View)];
        Pieces = [.. Views.Select(PiecesOf)];
    }

    /// <summary>The geometry, with the layers that the cache has.</summary>
    public CacheGeometry Geometry { get; }

    /// <summary>Each layer's history.</summary>
    public CacheView[] Views { get; }

    /// <summary>Where each layer's history lies.</summary>
    public MemoryPiece[][] Pieces { get; }

    /// <summary>The bytes of one layer's history.</summary>
    public long LayerBytes => Pieces[0].Sum(piece => (long)piece.Bytes);

    public void Dispose()
    {
        _cache.Dispose();
        _factory.Dispose();
    }

    private static MemoryPiece[] PiecesOf(CacheView view)
    {
        int first = view.Block(0);
        int next = view.Block(view.Layout.Geometry.KeyValueHeadCount);
        List<MemoryPiece> pieces = [.. view.Pages.Select(Part), .. Rows(view.Sinks), .. Rows(view.Tail)];
        return [.. pieces];

        MemoryPiece Part(Page page)
        {
            int start = view.Layout.KeysOffset(page.Bytes, first);
            int end = next < view.Layout.Geometry.BlockCount ? view.Layout.KeysOffset(page.Bytes, next) : page.SlabBytes;
            return new MemoryPiece(page.Start + start, end - start);
        }
    }

    private static IEnumerable<MemoryPiece> Rows(DensePart part)
    {
        long heads = part.Keys.shape[0];
        int capacityBytes = (int)(part.Keys.NumberOfElements * part.Keys.ElementSize / heads);
        int bytes = (int)(capacityBytes / part.Keys.shape[1] * part.Count);
        return from tensor in new[] { part.Keys, part.Values }
               from head in Enumerable.Range(0, (int)heads)
               select Piece(TensorMemory.DataPointer(tensor) + ((nint)head * capacityBytes), bytes);
    }

    private static MemoryPiece Piece(nint start, int bytes) => new((byte*)start, bytes);
}
