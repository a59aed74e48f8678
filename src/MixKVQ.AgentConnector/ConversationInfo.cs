namespace MixKVQ.AgentConnector;

/// <summary>A conversation at one moment. Immutable.</summary>
public sealed record ConversationInfo
{
    internal ConversationInfo()
    {
    }

    /// <summary>Its id, to be sent as <c>ChatOptions.ConversationId</c>. Conversations of clients that are not stateful have one too, which callers need not know.</summary>
    public required string Id { get; init; }

    /// <summary>How many messages it has, the model's among them; a message with several tool results counts once for each.</summary>
    public required int MessageCount { get; init; }

    /// <summary>How many tokens it has.</summary>
    public required int TokenCount { get; init; }

    /// <summary>How many of the tokens its cache holds: all but the last few, or 0 where the cache is lost.</summary>
    public required int CachedTokenCount { get; init; }

    /// <summary>Where its cache is.</summary>
    public required CachePlace Place { get; init; }

    /// <summary>The bytes of its cache in memory, what it shares included; 0 where it is not in memory.</summary>
    public required long CacheBytes { get; init; }

    /// <summary>What of <see cref="CacheBytes"/> other conversations hold too.</summary>
    public required long SharedBytes { get; init; }

    /// <summary>What its cache takes, or took, in memory: all bytes, in bits for each key and value element.</summary>
    public required double BitsPerElement { get; init; }

    /// <summary>Whether its cache stays in memory.</summary>
    public required bool IsPinned { get; init; }

    /// <summary>Whether a turn runs on it or waits for it.</summary>
    public required bool IsInUse { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last used.</summary>
    public required DateTimeOffset LastUsedAt { get; init; }
}
