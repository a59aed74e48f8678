using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// One conversation's keys and values, all layers: 32 sinks | sealed pages of 128 tokens at 32 + 128·n | a tail, in token order.
/// A step appends to every layer, then <see cref="CompleteStep"/>; a step never crosses a page border, so what is held depends on the tokens alone.
/// A step that throws leaves the cache unusable but for <see cref="Dispose"/>: work on a <see cref="Fork"/> and keep the original until the step succeeded.
/// Not thread-safe; forks may be used on different threads.
/// </summary>
internal sealed class KvCache : IDisposable
{
    private readonly KvCacheFactory _factory;
    private readonly LayerCache[] _layers;
    private readonly List<Page> _pages;
    private readonly QueryStatistics _statistics;
    private readonly TokenBuffer _tail;
    private TokenBuffer _sinks;
    private long _ownBytes;
    private int _sharedPageCount;
    private bool _ownsSinks;
    private bool _disposed;

    internal KvCache(KvCacheFactory factory)
        : this(factory, new TokenBuffer(factory.Geometry, CacheGeometry.SinkTokens, factory.Buffers), [], new TokenBuffer(factory.Geometry, CacheGeometry.PageTokens, factory.Buffers), new QueryStatistics(factory.Geometry), 0, ownsSinks: true)
    {
    }

    private KvCache(KvCacheFactory factory, TokenBuffer sinks, List<Page> pages, TokenBuffer tail, QueryStatistics statistics, int tokenCount, bool ownsSinks)
    {
        _factory = factory;
        _sinks = sinks;
        _pages = pages;
        _tail = tail;
        _statistics = statistics;
        TokenCount = tokenCount;
        _sharedPageCount = pages.Count;
        _ownsSinks = ownsSinks;
        _ownBytes = tail.Bytes + statistics.Bytes + (ownsSinks ? sinks.Bytes : 0);
        factory.Buffers.Add(statistics.Bytes);
        _layers = [.. Enumerable.Range(0, factory.Geometry.LayerCount).Select(layer => new LayerCache(this, layer))];
    }

    /// <summary>Tokens held, without those of a step under way.</summary>
    public int TokenCount { get; private set; }

    /// <summary>How many tokens the next step may append: up to the end of the page under way. 160 for an empty cache, at least 1.</summary>
    public int TokensToPageBorder => TailStart + CacheGeometry.PageTokens - TokenCount;

    /// <summary>The bytes held.</summary>
    public CacheUsage Usage => new()
    {
        TokenCount = TokenCount,
        Elements = TokenCount * _factory.Geometry.ElementsPerToken,
        SealedElements = _pages.Count * CacheGeometry.PageTokens * _factory.Geometry.ElementsPerToken,
        Pages = _pages.Aggregate(default(PageContents), (sum, page) => sum + page.Contents),
        SinkBytes = _sinks.Bytes,
        TailBytes = _tail.Bytes,
        StatisticsBytes = _statistics.Bytes,
    };

    /// <summary>
    /// The bytes that this cache allocated itself and holds: what it did not take over from the cache it was forked from. Safe to read while another
    /// thread appends: pages count when they are sealed.
    /// </summary>
    public long OwnBytes => Interlocked.Read(ref _ownBytes);

    /// <summary>All that this cache holds, piece by piece.</summary>
    public IReadOnlyList<CachePart> Parts =>
        [new CachePart(_sinks, _sinks.Bytes), .. _pages.Select(page => new CachePart(page, page.SlabBytes)), new CachePart(_tail, _tail.Bytes + _statistics.Bytes)];

    private int TailStart => CacheGeometry.SinkTokens + _pages.Count * CacheGeometry.PageTokens;

    /// <summary>A layer's part.</summary>
    public LayerCache Layer(int index) => _layers[index];

    /// <summary>Ends a step that every layer has appended to: its tokens count, and a full tail is sealed into a page, for all layers at once.</summary>
    /// <exception cref="InvalidOperationException">Layers differ in the tokens they appended.</exception>
    /// <exception cref="ArithmeticException">A key or value is NaN or infinite; the message names layer, head, channel and position.</exception>
    public void CompleteStep()
    {
        int tokens = _layers[0].StepTokens;
        if (Array.Find(_layers, layer => layer.StepTokens != tokens) is LayerCache other)
        {
            throw new InvalidOperationException($"Layer 0 appended {tokens} tokens and layer {Array.IndexOf(_layers, other)} {other.StepTokens}; append the same tokens to every layer before completing a step.");
        }

        int tokenCount = TokenCount + tokens;
        if (tokenCount == TailStart + CacheGeometry.PageTokens)
        {
            if (_pages.Count == 0)
            {
                _factory.Sealer.RequireFinite(_sinks.Storage);
            }

            Page page = _factory.Sealer.Seal(_tail.Storage, _statistics, TailStart);
            _pages.Add(page);
            Interlocked.Add(ref _ownBytes, page.SlabBytes);
            _statistics.Reset();
        }

        TokenCount = tokenCount;
        foreach (LayerCache layer in _layers)
        {
            layer.StepTokens = 0;
        }
    }

    /// <summary>
    /// A cache of its own with the same content. Sealed pages and full sinks are shared by reference count; only the tail and the statistics are copied.
    /// </summary>
    public KvCache Fork()
    {
        RequireNoStep();
        int tailTokens = Math.Max(0, TokenCount - TailStart);
        bool sharesSinks = TokenCount >= CacheGeometry.SinkTokens;
        TokenBuffer sinks = sharesSinks ? _sinks.AddReference() : _sinks.Copy(_factory.Geometry, TokenCount);
        return new KvCache(
            _factory, sinks, [.. _pages.Select(page => page.AddReference())], _tail.Copy(_factory.Geometry, tailTokens), _statistics.Copy(), TokenCount, !sharesSinks);
    }

    /// <summary>Drops tokens from the end, to the highest page border (0, 32, 160, 288 …) that is neither above <paramref name="maxTokens"/> nor above what is held.</summary>
    /// <returns>The tokens held after it.</returns>
    public int TruncateToPageBorder(int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        RequireNoStep();
        int limit = Math.Min(maxTokens, TokenCount);
        int pageCount = CacheGeometry.PagesIn(limit);
        int border = CacheGeometry.PageBorder(limit);
        if (border == TokenCount)
        {
            return border;
        }

        if (border == 0 && TokenCount >= CacheGeometry.SinkTokens)
        {
            // They may be shared with forks.
            TokenBuffer sinks = new(_factory.Geometry, CacheGeometry.SinkTokens, _factory.Buffers);
            _ownBytes += _ownsSinks ? 0 : sinks.Bytes;
            _ownsSinks = true;
            _sinks.Release();
            _sinks = sinks;
        }

        for (int i = pageCount; i < _pages.Count; i++)
        {
            _ownBytes -= i < _sharedPageCount ? 0 : _pages[i].SlabBytes;
            _pages[i].Release();
        }

        _sharedPageCount = Math.Min(_sharedPageCount, pageCount);

        _pages.RemoveRange(pageCount, _pages.Count - pageCount);
        _statistics.Reset();
        TokenCount = border;
        return border;
    }

    /// <summary>Gives the memory back; pages and sinks that forks share stay with them.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _factory.Buffers.Add(-_statistics.Bytes);
        _sinks.Release();
        _tail.Release();
        _pages.ForEach(page => page.Release());
        _pages.Clear();
    }

    /// <summary>What is held, to be written. Read-only: safe on any thread while nothing is appended.</summary>
    public CacheImage Export() => throw new NotImplementedException();

    /// <summary>
    /// Takes <paramref name="other"/>'s pages and sinks in the place of equal ones of its own, so that they are held once. Both hold the same first
    /// <paramref name="tokens"/> tokens. A page whose bytes differ stays (prefill and decode round differently), so that sharing changes no result.
    /// </summary>
    public void ShareParts(KvCache other, int tokens) => throw new NotImplementedException();

    internal void Append(int layer, Tensor queries, Tensor keys, Tensor values, Tensor? residual)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int tokens = CheckShapes(queries, keys, values, residual);
        if (_layers[layer].StepTokens != 0)
        {
            throw new InvalidOperationException($"Layer {layer} has appended in this step already; call {nameof(CompleteStep)} before the next.");
        }

        if (tokens > TokensToPageBorder)
        {
            throw new InvalidOperationException($"A step of {tokens} tokens crosses the page border {TokensToPageBorder} tokens ahead; split it there.");
        }

        int toSinks = Math.Clamp(CacheGeometry.SinkTokens - TokenCount, 0, tokens);
        if (toSinks == 0)
        {
            _tail.Write(layer, TokenCount - TailStart, keys, values);
        }
        else if (toSinks == tokens)
        {
            _sinks.Write(layer, TokenCount, keys, values);
        }
        else
        {
            using Tensor sinkKeys = keys.narrow(0, 0, toSinks), sinkValues = values.narrow(0, 0, toSinks);
            using Tensor tailKeys = keys.narrow(0, toSinks, tokens - toSinks), tailValues = values.narrow(0, toSinks, tokens - toSinks);
            _sinks.Write(layer, TokenCount, sinkKeys, sinkValues);
            _tail.Write(layer, 0, tailKeys, tailValues);
        }

        _statistics.Add(layer, queries, residual, toSinks);
        _layers[layer].StepTokens = tokens;
    }

    internal CacheView View(int layer)
    {
        int tokenCount = TokenCount + _layers[layer].StepTokens;
        return new CacheView(
            _factory.Layout,
            layer,
            new DensePart(_sinks.Keys(layer), _sinks.Values(layer), Math.Min(tokenCount, CacheGeometry.SinkTokens)),
            _pages,
            new DensePart(_tail.Keys(layer), _tail.Values(layer), Math.Max(0, tokenCount - TailStart)));
    }

    private int CheckShapes(Tensor queries, Tensor keys, Tensor values, Tensor? residual)
    {
        CacheGeometry geometry = _factory.Geometry;
        long tokens = keys.shape[0];
        bool fits = tokens > 0
            && queries.shape.AsSpan().SequenceEqual([tokens, geometry.QueryHeadCount, geometry.HeadDim])
            && keys.shape.AsSpan().SequenceEqual([tokens, geometry.KeyValueHeadCount, geometry.HeadDim])
            && values.shape.AsSpan().SequenceEqual(keys.shape)
            && (residual is null || (residual.dim() == 2 && residual.shape[0] == tokens));
        return fits ? (int)tokens : throw new ArgumentException(
            $"Queries [{string.Join(", ", queries.shape)}], keys [{string.Join(", ", keys.shape)}], values [{string.Join(", ", values.shape)}] and residual [{string.Join(", ", residual?.shape ?? [])}] " +
            $"do not fit a cache of {geometry.QueryHeadCount} query heads, {geometry.KeyValueHeadCount} KV heads and head dimension {geometry.HeadDim}.");
    }

    private void RequireNoStep()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Array.Exists(_layers, layer => layer.StepTokens != 0))
        {
            throw new InvalidOperationException($"A step is under way; call {nameof(CompleteStep)} first.");
        }
    }
}
