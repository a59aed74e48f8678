using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// What a cache holds, as bytes that can be written and read back: a cache made of it goes on exactly as the first would have.
/// Owns a reference to each page until disposed or taken over. Not thread-safe.
/// </summary>
/// <param name="tokenCount">Tokens held.</param>
/// <param name="sinks">
/// The first 32 tokens, [layers, 2 (keys, values), kvHeads, 32, headDim] in the model's type, once all are there, after which they never change; empty before.
/// </param>
/// <param name="open">
/// What still changes: the sinks while they are fewer than 32, then the tail's rows, both laid out like <paramref name="sinks"/> with as many rows as
/// there are, then the query statistics.
/// </param>
/// <param name="pages">The sealed pages, oldest first; taken over.</param>
internal sealed class CacheImage(int tokenCount, ReadOnlyMemory<byte> sinks, ReadOnlyMemory<byte> open, IReadOnlyList<Page> pages) : IDisposable
{
    private IReadOnlyList<Page>? _pages = pages;

    /// <summary>Tokens held.</summary>
    public int TokenCount { get; } = tokenCount;

    /// <summary>The first 32 tokens; empty while there are fewer.</summary>
    public ReadOnlyMemory<byte> Sinks { get; } = sinks;

    /// <summary>What still changes.</summary>
    public ReadOnlyMemory<byte> Open { get; } = open;

    /// <summary>The sealed pages, oldest first.</summary>
    public IReadOnlyList<Page> Pages => _pages ?? throw new ObjectDisposedException(nameof(CacheImage));

    /// <summary>The pages with their references, which the caller takes over; this image is of no further use.</summary>
    public IReadOnlyList<Page> TakePages()
    {
        IReadOnlyList<Page> pages = Pages;
        _pages = null;
        return pages;
    }

    /// <summary>Gives the pages back.</summary>
    public void Dispose()
    {
        foreach (Page page in _pages ?? [])
        {
            page.Release();
        }

        _pages = null;
    }
}
