using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>A sequence that conversations keep: it can be forked and cut back. Not thread-safe; forks are independent.</summary>
internal interface IConversationSequence : IModelSequence, IDisposable
{
    /// <summary>The bytes of its cache.</summary>
    CacheUsage Usage { get; }

    /// <summary>The bytes it allocated itself: what it did not share when it was forked. Safe to read on any thread.</summary>
    long OwnBytes { get; }

    /// <summary>All memory it holds, piece by piece. Not while it grows.</summary>
    IReadOnlyList<CachePart> Parts { get; }

    /// <summary>What it holds, to be written; the caller disposes it. Not while it grows.</summary>
    CacheImage Export();

    /// <summary>
    /// Takes pieces of <paramref name="other"/>, which holds the same first <paramref name="tokens"/> tokens, in the place of equal ones of its own,
    /// so that they are held once. What differs in a byte stays.
    /// </summary>
    void ShareParts(IConversationSequence other, int tokens);

    /// <summary>A sequence of the same content that goes its own way; the caller owns it. Does not change this one.</summary>
    IConversationSequence Fork();

    /// <summary>Drops everything after the highest page border that is not above <paramref name="maxTokens"/>; returns what remains.</summary>
    int TruncateToPageBorder(int maxTokens);
}
