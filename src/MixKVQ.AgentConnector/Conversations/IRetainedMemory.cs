using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>The caches that no turn works on, as the budget sees them. But for <see cref="Gate"/>, used under the gate only.</summary>
internal interface IRetainedMemory
{
    /// <summary>Guards everything.</summary>
    Lock Gate { get; }

    /// <summary>The memory of caches that may not leave: they are pinned, or being written.</summary>
    IEnumerable<CachePart> UnmovableParts { get; }

    /// <summary>The memory of caches that are pinned: it does not become free by waiting.</summary>
    IEnumerable<CachePart> PinnedParts { get; }

    /// <summary>Whether a pinned conversation stands at <paramref name="state"/>.</summary>
    bool IsPinned(ConversationState state);

    /// <summary>Takes a cache out of memory that no conversation stands at any more and no turn was forked from.</summary>
    void LetGo(ConversationState state);

    /// <summary>Takes the least recently used cache that may leave out of memory; false where there is none.</summary>
    bool TryEvict();
}
