namespace MixKVQ.AgentConnector;

/// <summary>A conversation at one moment. Immutable.</summary>
public sealed record ConversationInfo
{
    internal ConversationInfo()
    {
    }

    /// <summary>Its id, to be sent as <c>ChatOptions.ConversationId</c>. Conversations of clients that are not stateful have one too, which callers need not know.</summary>
    public string Id { get; internal init; } = "";

    /// <summary>How many messages it has, the model's among them; a message with several tool results counts once for each.</summary>
    public int MessageCount { get; internal init; }

    /// <summary>How many tokens it has.</summary>
    public int TokenCount { get; internal init; }

    /// <summary>How many of the tokens its cache holds: all but the last few, or 0 where the cache is lost.</summary>
    public int CachedTokenCount { get; internal init; }

    /// <summary>Where its cache is.</summary>
    public CachePlace Place { get; internal init; }

    /// <summary>The bytes of its cache in memory, what it shares included; 0 where it is not in memory.</summary>
    public long CacheBytes { get; internal init; }

    /// <summary>What of <see cref="CacheBytes"/> other conversations hold too.</summary>
    public long SharedBytes { get; internal init; }

    /// <summary>What its cache takes, or took, in memory: all bytes, in bits for each key and value element.</summary>
    public double BitsPerElement { get; internal init; }

    /// <summary>Whether its cache stays in memory.</summary>
    public bool IsPinned { get; internal init; }

    /// <summary>Whether a turn runs on it or waits for it.</summary>
    public bool IsInUse { get; internal init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset CreatedAt { get; internal init; }

    /// <summary>When it was last used.</summary>
    public DateTimeOffset LastUsedAt { get; internal init; }
}
