namespace MixKVQ.AgentConnector.Cache.Paging;

/// <summary>
/// A cache's pages, oldest first, with a reference to each, and which of them the cache brought in itself rather than took over from another.
/// Not thread-safe, but for <see cref="OwnBytes"/>.
/// </summary>
internal sealed class PageTable
{
    private readonly List<Page> _pages = [];
    private readonly List<bool> _areOwn = [];
    private long _ownBytes;

    /// <summary>The pages; one list for the table's life.</summary>
    public IReadOnlyList<Page> Pages => _pages;

    /// <summary>Bytes of the slabs that the cache brought in itself and holds. Safe to read on any thread.</summary>
    public long OwnBytes => Interlocked.Read(ref _ownBytes);

    /// <summary>Appends a page, whose reference is taken over.</summary>
    public void Add(Page page, bool isOwn)
    {
        _pages.Add(page);
        _areOwn.Add(isOwn);
        Interlocked.Add(ref _ownBytes, isOwn ? page.SlabBytes : 0);
    }

    /// <summary>A table that shares all pages.</summary>
    public PageTable Fork()
    {
        var fork = new PageTable();
        foreach (Page page in _pages)
        {
            fork.Add(page.AddReference(), isOwn: false);
        }

        return fork;
    }

    /// <summary>Gives all pages after the first <paramref name="count"/> back.</summary>
    public void Truncate(int count)
    {
        for (int i = _pages.Count - 1; i >= count; i--)
        {
            Interlocked.Add(ref _ownBytes, _areOwn[i] ? -_pages[i].SlabBytes : 0);
            _pages[i].Release();
            _pages.RemoveAt(i);
            _areOwn.RemoveAt(i);
        }
    }

    /// <summary>Holds <paramref name="other"/>'s page in the place of its own at each of the first <paramref name="count"/> places where the bytes are equal.</summary>
    public void ShareEqual(PageTable other, int count)
    {
        for (int i = 0; i < count; i++)
        {
            (Page mine, Page theirs) = (_pages[i], other._pages[i]);
            if (mine == theirs || !mine.HasSameBytes(theirs))
            {
                continue;
            }

            _pages[i] = theirs.AddReference();
            Interlocked.Add(ref _ownBytes, _areOwn[i] ? -mine.SlabBytes : 0);
            _areOwn[i] = false;
            mine.Release();
        }
    }
}
