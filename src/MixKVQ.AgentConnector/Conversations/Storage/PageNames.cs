using System.Runtime.CompilerServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The names of pages' bytes, each worked out once as long as the page is in memory: pages never change. Thread-safe.</summary>
internal sealed class PageNames
{
    private readonly ConditionalWeakTable<Page, object> _known = [];

    /// <summary>The names of an image's sealed pieces, in order.</summary>
    public SavedBlob[] Of(CacheImage image)
    {
        var names = new SavedBlob[SealedPieces.CountFor(image.TokenCount)];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = i == 0 ? SavedBlob.Of(image.Sinks.Span) : Of(image.Pages[i - 1]);
        }

        return names;
    }

    /// <summary>Takes the names that the pieces of <paramref name="image"/> were read under.</summary>
    public void Remember(CacheImage image, IReadOnlyList<StoredPiece> pieces)
    {
        for (int i = 0; i < image.Pages.Count; i++)
        {
            _known.AddOrUpdate(image.Pages[i], pieces[i + 1].Blob);
        }
    }

    private SavedBlob Of(Page page)
    {
        if (_known.TryGetValue(page, out object? known))
        {
            return (SavedBlob)known;
        }

        SavedBlob name = SavedBlob.Of(page.Read());
        _known.AddOrUpdate(page, name);
        return name;
    }
}
