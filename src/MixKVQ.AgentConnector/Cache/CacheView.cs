using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// One layer's history in token order, sinks, pages, tail: all that an attention kernel sees. Borrowed: valid until the next append to the cache.
/// </summary>
/// <param name="Layout">How pages are laid out.</param>
/// <param name="Layer">The layer's index, which places its blocks in a page.</param>
/// <param name="Sinks">The first 32 tokens, or as many as there are.</param>
/// <param name="Pages">Sealed pages of 128 tokens, oldest first.</param>
/// <param name="Tail">Tokens after the last page.</param>
internal readonly record struct CacheView(PackedPageLayout Layout, int Layer, DensePart Sinks, IReadOnlyList<Page> Pages, DensePart Tail)
{
    /// <summary>Tokens in view.</summary>
    public int TokenCount => TailStart + Tail.Count;

    /// <summary>Position of the tail's first token.</summary>
    public int TailStart => Sinks.Count + Pages.Count * CacheGeometry.PageTokens;

    /// <summary>Index of a KV head's block in each page.</summary>
    public int Block(int keyValueHead) => Layer * Layout.Geometry.KeyValueHeadCount + keyValueHead;
}
