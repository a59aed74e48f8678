using MixKVQ.AgentConnector.Cache.Cuda;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// One conversation's keys and values, all layers: 32 sinks | sealed pages of 128 tokens at 32 + 128·n | a tail, in token order.
/// A step appends to every layer, then <see cref="CompleteStep"/>; a step never crosses a page border, so what is held depends on the tokens alone.
/// A step that throws leaves the cache unusable but for <see cref="Dispose"/> and <see cref="AbandonStep"/>, which does not bring back all that was there: work on a
/// <see cref="Fork"/> and keep the original until the step succeeded.
/// Not thread-safe; forks may be used on different threads.
/// </summary>
internal sealed class KvCache : IDisposable
{
    private readonly KvCacheFactory _factory;
    private readonly LayerCache[] _layers;
    private readonly PageTable _table;
    private readonly IQueryStatistics _statistics;
    private readonly TokenBuffer _tail;
    private TokenBuffer _sinks;
    private bool _ownsSinks;
    private bool _disposed;

    internal KvCache(KvCacheFactory factory)
        : this(factory, CacheBuffers.Make(() => Sinks(factory), () => Tail(factory), factory.CreateStatistics), new PageTable(), 0, ownsSinks: true)
    {
    }

    private KvCache(KvCacheFactory factory, CacheBuffers buffers, PageTable table, int tokenCount, bool ownsSinks)
    {
        (_factory, _table, TokenCount, _ownsSinks) = (factory, table, tokenCount, ownsSinks);
        (_sinks, _tail, _statistics) = buffers;
        factory.Buffers.Add(_statistics.Bytes);
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
        SealedElements = Pages.Count * CacheGeometry.PageTokens * _factory.Geometry.ElementsPerToken,
        Pages = Pages.Aggregate(default(PageContents), (sum, page) => sum + page.Contents),
        SinkBytes = _sinks.Bytes,
        TailBytes = _tail.Bytes,
        StatisticsBytes = _statistics.Bytes,
    };

    /// <summary>The sealed pages, oldest first; borrowed, and one list for the cache's life.</summary>
    public IReadOnlyList<Page> Pages => _table.Pages;

    /// <summary>
    /// The bytes that this cache allocated itself and holds: what it did not take over from the cache it was forked from. Safe to read while another
    /// thread appends: pages count when they are sealed.
    /// </summary>
    public long OwnBytes => _disposed ? 0 : _table.OwnBytes + _tail.Bytes + _statistics.Bytes + (_ownsSinks ? _sinks.Bytes : 0);

    /// <summary>All that this cache holds, piece by piece.</summary>
    public IReadOnlyList<CachePart> Parts =>
        [new CachePart(_sinks, _sinks.Bytes), .. Pages.Select(page => new CachePart(page, page.SlabBytes)), new CachePart(_tail, _tail.Bytes + _statistics.Bytes)];

    private int TailStart => CacheGeometry.SinkTokens + Pages.Count * CacheGeometry.PageTokens;

    /// <summary>A layer's part.</summary>
    public LayerCache Layer(int index) => _layers[index];

    /// <summary>
    /// Begins a step whose tokens kernels append: they write all layers' keys and values to the rows, and add to the sums, that the result names. The tokens count
    /// as appended from now on, as <see cref="LayerCache.Append(Tensor, Tensor, Tensor, Tensor?)"/> counts them; <see cref="CompleteStep"/> ends the step.
    /// </summary>
    /// <param name="tokens">At most <see cref="TokensToPageBorder"/>.</param>
    /// <param name="pages">Where the kernels find the addresses of <see cref="Pages"/>.</param>
    /// <exception cref="InvalidOperationException">The step crosses a page border, another is under way, or the cache is not in a device's memory.</exception>
    public CacheSequence BeginDeviceStep(int tokens, nint pages)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        RequireNoStep();
        RequireFits(tokens);
        if (_statistics is not DeviceQueryStatistics statistics)
        {
            throw new InvalidOperationException("The cache is not in a device's memory; append with tensors or floats.");
        }

        statistics.Count(tokens - SinksOf(tokens));
        foreach (LayerCache layer in _layers)
        {
            layer.StepTokens = tokens;
        }

        return new CacheSequence
        {
            Pages = pages,
            Sinks = _sinks.Address,
            Tail = _tail.Address,
            Magnitudes = statistics.Magnitudes,
            Energies = statistics.Energies,
            PageCount = Pages.Count,
            SinkCount = Math.Min(TokenCount + tokens, CacheGeometry.SinkTokens),
            TailCount = Math.Max(0, TokenCount + tokens - TailStart),
            Position = TokenCount,
        };
    }

    /// <summary>Writes the addresses of the sealed pages, oldest first.</summary>
    /// <returns>How many they are.</returns>
    public unsafe int CopyPageAddresses(Span<nint> target)
    {
        IReadOnlyList<Page> pages = Pages;
        int count = pages.Count;
        for (int i = 0; i < count; i++)
        {
            target[i] = (nint)pages[i].Start;
        }

        return count;
    }

    /// <summary>Ends a step that every layer has appended to: its tokens count, and a full tail is sealed into a page, for all layers at once.</summary>
    /// <exception cref="InvalidOperationException">Layers differ in the tokens they appended.</exception>
    /// <exception cref="ArithmeticException">A key or value is NaN or infinite; the message names layer, head, channel and position.</exception>
    public void CompleteStep()
    {
        int tokens = _layers[0].StepTokens;
        for (int layer = 1; layer < _layers.Length; layer++)
        {
            if (_layers[layer].StepTokens != tokens)
            {
                throw new InvalidOperationException($"Layer 0 appended {tokens} tokens and layer {layer} {_layers[layer].StepTokens}; append the same tokens to every layer before completing a step.");
            }
        }

        int tokenCount = TokenCount + tokens;
        if (tokenCount == TailStart + CacheGeometry.PageTokens)
        {
            if (Pages.Count == 0)
            {
                _factory.Sealer.RequireFinite(_sinks.Storage, 0);
            }

            _table.Add(_factory.Sealer.Seal(_tail.Storage, _statistics, TailStart), isOwn: true);
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
        var buffers = CacheBuffers.Make(
            () => sharesSinks ? _sinks.AddReference() : _sinks.Copy(_factory.Geometry, TokenCount),
            () => _tail.Copy(_factory.Geometry, tailTokens),
            _statistics.Copy);
        return new KvCache(_factory, buffers, _table.Fork(), TokenCount, !sharesSinks);
    }

    /// <summary>
    /// Makes the cache of use again after a step that threw: nothing is left of that step, nor of what came after the highest page border that is neither above
    /// <paramref name="maxTokens"/> nor above what was held before it.
    /// </summary>
    /// <returns>The tokens held after it.</returns>
    public int AbandonStep(int maxTokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (LayerCache layer in _layers)
        {
            layer.StepTokens = 0;
        }

        TokenCount = CacheGeometry.PageBorder(TokenCount);
        _table.Truncate(CacheGeometry.PagesIn(TokenCount));
        _statistics.Reset();
        return TruncateToPageBorder(maxTokens);
    }

    /// <summary>Drops tokens from the end, to the highest page border (0, 32, 160, 288 …) that is neither above <paramref name="maxTokens"/> nor above what is held.</summary>
    /// <returns>The tokens held after it.</returns>
    public int TruncateToPageBorder(int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        RequireNoStep();
        int limit = Math.Min(maxTokens, TokenCount);
        int border = CacheGeometry.PageBorder(limit);
        if (border == TokenCount)
        {
            return border;
        }

        if (border == 0 && TokenCount >= CacheGeometry.SinkTokens)
        {
            // They may be shared with forks.
            TokenBuffer sinks = Sinks(_factory);
            _ownsSinks = true;
            _sinks.Release();
            _sinks = sinks;
        }

        _table.Truncate(CacheGeometry.PagesIn(limit));
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
        _statistics.Dispose();
        _sinks.Release();
        _tail.Release();
        _table.Truncate(0);
    }

    /// <summary>The cache that a checked image was made of; takes its pages over, which count as its own where no one else holds them.</summary>
    /// <exception cref="InvalidDataException">The statistics are none of such a cache.</exception>
    internal static KvCache Of(KvCacheFactory factory, CacheImage image, CacheImageShape shape)
    {
        var buffers = CacheBuffers.Make(
            () => Sinks(factory), () => Tail(factory), () => factory.ReadStatistics(image.Open.Span[(shape.OpenSinkBytes + shape.TailBytes)..], shape.TailRows));
        var cache = new KvCache(factory, buffers, new PageTable(), shape.TokenCount, ownsSinks: true);
        try
        {
            buffers.Sinks.WriteRows(shape.SinkRows, shape.HasAllSinks ? image.Sinks.Span : image.Open.Span[..shape.OpenSinkBytes]);
            buffers.Tail.WriteRows(shape.TailRows, image.Open.Span.Slice(shape.OpenSinkBytes, shape.TailBytes));
        }
        catch
        {
            cache.Dispose();
            throw;
        }

        foreach (Page page in image.TakePages())
        {
            cache._table.Add(page, isOwn: page.ReferenceCount == 1);
        }

        return cache;
    }

    /// <summary>What is held, to be written. Read-only: safe on any thread while nothing is appended.</summary>
    public CacheImage Export()
    {
        RequireNoStep();
        var shape = new CacheImageShape(_factory.Geometry, TokenCount);
        byte[] sinks = new byte[shape.SinksBytes];
        byte[] open = new byte[shape.OpenBytes];
        _sinks.ReadRows(shape.SinkRows, shape.HasAllSinks ? sinks : open);
        _tail.ReadRows(shape.TailRows, open.AsSpan(shape.OpenSinkBytes, shape.TailBytes));
        _statistics.Write(open.AsSpan(shape.OpenSinkBytes + shape.TailBytes));
        return new CacheImage(TokenCount, sinks, open, [.. Pages.Select(page => page.AddReference())]);
    }

    /// <summary>
    /// Takes <paramref name="other"/>'s pages and sinks in the place of equal ones of its own, so that they are held once. Both hold the same first
    /// <paramref name="tokens"/> tokens. A page whose bytes differ stays (prefill and decode round differently), so that sharing changes no result.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">One of them holds fewer tokens.</exception>
    public void ShareParts(KvCache other, int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, Math.Min(TokenCount, other.TokenCount));
        RequireNoStep();
        _table.ShareEqual(other._table, CacheGeometry.PagesIn(tokens));
        if (tokens >= CacheGeometry.SinkTokens && _sinks != other._sinks && _sinks.HasSameBytes(other._sinks))
        {
            TokenBuffer mine = _sinks;
            _sinks = other._sinks.AddReference();
            _ownsSinks = false;
            mine.Release();
        }
    }

    internal void Append(int layer, Tensor queries, Tensor keys, Tensor values, Tensor? residual)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int tokens = CheckShapes(queries, keys, values, residual);
        RequireNotAppended(layer);
        RequireFits(tokens);
        int toSinks = SinksOf(tokens);
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

    internal void Append(int layer, ReadOnlySpan<float> queries, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, ReadOnlySpan<float> residual)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        CacheGeometry geometry = _factory.Geometry;
        int keyLength = geometry.KeyValueHeadCount * geometry.HeadDim;
        if (queries.Length != geometry.QueryHeadCount * geometry.HeadDim || keys.Length != keyLength || values.Length != keyLength)
        {
            throw new ArgumentException(
                $"A token of {queries.Length} query, {keys.Length} key and {values.Length} value elements does not fit a cache of {geometry.QueryHeadCount} query heads, " +
                $"{geometry.KeyValueHeadCount} KV heads and head dimension {geometry.HeadDim}.");
        }

        RequireNotAppended(layer);
        if (TokenCount < CacheGeometry.SinkTokens)
        {
            _sinks.Write(layer, TokenCount, keys, values);
        }
        else
        {
            _tail.Write(layer, TokenCount - TailStart, keys, values);
            _statistics.Add(layer, queries, residual);
        }

        _layers[layer].StepTokens = 1;
    }

    internal CacheView View(int layer)
    {
        int tokenCount = TokenCount + _layers[layer].StepTokens;
        return new CacheView(
            _factory.Layout,
            layer,
            new DensePart(_sinks.Keys(layer), _sinks.Values(layer), Math.Min(tokenCount, CacheGeometry.SinkTokens)),
            Pages,
            new DensePart(_tail.Keys(layer), _tail.Values(layer), Math.Max(0, tokenCount - TailStart)));
    }

    private static TokenBuffer Sinks(KvCacheFactory factory) => new(factory.Geometry, CacheGeometry.SinkTokens, factory.Buffers);

    private static TokenBuffer Tail(KvCacheFactory factory) => new(factory.Geometry, CacheGeometry.PageTokens, factory.Buffers);

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

    /// <summary>How many of a step's tokens are sinks.</summary>
    private int SinksOf(int tokens) => Math.Clamp(CacheGeometry.SinkTokens - TokenCount, 0, tokens);

    private void RequireFits(int tokens)
    {
        if (tokens > TokensToPageBorder)
        {
            throw new InvalidOperationException($"A step of {tokens} tokens crosses the page border {TokensToPageBorder} tokens ahead; split it there.");
        }
    }

    private void RequireNotAppended(int layer)
    {
        if (_layers[layer].StepTokens != 0)
        {
            throw new InvalidOperationException($"Layer {layer} has appended in this step already; call {nameof(CompleteStep)} before the next.");
        }
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
