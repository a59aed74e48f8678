using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>The ids that a <see cref="ScriptedModel"/> has seen, with the page borders of the real cache.</summary>
internal sealed class ScriptedSequence : IConversationSequence
{
    private readonly ScriptedModel _model;
    private readonly ScriptedSequenceFactory _factory;
    private readonly List<int> _seen;
    private readonly List<Page> _pages;
    private readonly HashSet<Page> _shared;
    private (int Start, List<int> Ids)? _answer;
    private bool _disposed;

    /// <summary>Takes over <paramref name="pages"/> with a reference to each.</summary>
    public ScriptedSequence(ScriptedModel model, ScriptedSequenceFactory factory, List<int> seen, List<Page> pages)
    {
        (_model, _factory, _seen, _pages, _shared) = (model, factory, seen, pages, [.. pages]);
        factory.Add(this);
    }

    /// <summary>The ids seen.</summary>
    public int[] Content => [.. _seen];

    /// <inheritdoc/>
    public int VocabularySize => _model.Tokenizer.VocabularySize;

    /// <inheritdoc/>
    public int TokenCount => _seen.Count;

    /// <inheritdoc/>
    public int TokensToPageBorder => (_seen.Count < 32 ? 160 : CacheGeometry.PageBorder(_seen.Count) + 128) - _seen.Count;

    /// <inheritdoc/>
    public CacheUsage Usage => new()
    {
        TokenCount = _seen.Count,
        Elements = (_pages.Count + 1) * ScriptedSequenceFactory.PieceBytes / 2,
        SealedElements = _pages.Count * ScriptedSequenceFactory.PieceBytes / 2,
        Pages = new PageContents(_pages.Count * (long)ScriptedSequenceFactory.PieceBytes, 0, 0, 0),
        SinkBytes = 0,
        TailBytes = ScriptedSequenceFactory.PieceBytes,
        StatisticsBytes = 0,
    };

    /// <inheritdoc/>
    public long OwnBytes => ScriptedSequenceFactory.PieceBytes * (1L + Math.Max(0, _pages.Count - _shared.Count));

    /// <inheritdoc/>
    public IReadOnlyList<CachePart> Parts => [.. _pages.Select(page => new CachePart(page, page.SlabBytes)), new CachePart(this, ScriptedSequenceFactory.PieceBytes)];

    /// <inheritdoc/>
    public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Assert.InRange(tokens.Length, 1, TokensToPageBorder);
        _model.OnStep?.Invoke(tokens.Length);
        _seen.AddRange(tokens.Span);
        _answer = tokens.Length == 1 ? _answer : null;
        if (_pages.Count < CacheGeometry.PagesIn(_seen.Count))
        {
            Page page = _factory.Pool.Rent(ScriptedSequenceFactory.PieceBytes);
            Bytes(_seen.Count - CacheGeometry.PageTokens, _seen.Count).CopyTo(page.Bytes);
            _pages.Add(page);
        }

        if (!lastLogits.IsEmpty)
        {
            lastLogits.Clear();
            _answer ??= _model.AnswerTo(_seen);
            lastLogits[_model.Next(_seen, _answer.Value)] = _model.Certainty;
        }
    }

    /// <inheritdoc/>
    public IConversationSequence Fork()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _model.OnOpen?.Invoke();
        return new ScriptedSequence(_model, _factory, [.. _seen], [.. _pages.Select(page => page.AddReference())]);
    }

    /// <inheritdoc/>
    public CacheImage Export()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        int sinks = _seen.Count >= CacheGeometry.SinkTokens ? CacheGeometry.SinkTokens : 0;
        return new CacheImage(
            _seen.Count,
            Bytes(0, sinks).ToArray(),
            Bytes(sinks + _pages.Count * CacheGeometry.PageTokens, _seen.Count).ToArray(),
            [.. _pages.Select(page => page.AddReference())]);
    }

    /// <inheritdoc/>
    public void ShareParts(IConversationSequence other, int tokens)
    {
        List<Page> others = ((ScriptedSequence)other)._pages;
        for (int i = 0; i < CacheGeometry.PagesIn(tokens); i++)
        {
            if (_pages[i] != others[i] && _pages[i].Bytes.SequenceEqual(others[i].Bytes))
            {
                _pages[i].Release();
                _pages[i] = others[i].AddReference();
                _shared.Add(_pages[i]);
            }
        }
    }

    /// <inheritdoc/>
    public int TruncateToPageBorder(int maxTokens)
    {
        _answer = null;
        int border = CacheGeometry.PageBorder(Math.Min(maxTokens, _seen.Count));
        _seen.RemoveRange(border, _seen.Count - border);
        foreach (Page page in _pages[CacheGeometry.PagesIn(border)..])
        {
            page.Release();
            _shared.Remove(page);
        }

        _pages.RemoveRange(CacheGeometry.PagesIn(border), _pages.Count - CacheGeometry.PagesIn(border));
        return border;
    }

    /// <inheritdoc/>
    public int AbandonStep(int maxTokens) => TruncateToPageBorder(maxTokens);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _pages.ForEach(page => page.Release());
            _factory.Remove(this);
        }
    }

    private ReadOnlySpan<byte> Bytes(int start, int end) => MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_seen)[start..end]);
}
