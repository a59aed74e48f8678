namespace MixKVQ.AgentConnector.Conversations;

/// <summary>How much a store retains, and for how long. Immutable.</summary>
/// <param name="MaxConversations">The most conversations known, whether their caches are in memory or not.</param>
/// <param name="MemoryBytes">The most bytes of all caches together.</param>
/// <param name="SlidingExpiration">How long after its last use a conversation goes; null for never.</param>
/// <param name="AbsoluteExpiration">How long after its beginning a conversation goes; null for never.</param>
internal sealed record ConversationLimits(int MaxConversations, long MemoryBytes, TimeSpan? SlidingExpiration, TimeSpan? AbsoluteExpiration)
{
    /// <summary>How often to look for conversations whose time is over: a tenth of the shorter time, a second at least and a minute at most; null where none expire.</summary>
    public TimeSpan? ExpiryCheckInterval
    {
        get
        {
            TimeSpan shorter = TimeSpan.FromTicks(Math.Min((SlidingExpiration ?? TimeSpan.MaxValue).Ticks, (AbsoluteExpiration ?? TimeSpan.MaxValue).Ticks));
            return shorter == TimeSpan.MaxValue ? null : TimeSpan.FromSeconds(Math.Clamp(shorter.TotalSeconds / 10, 1, 60));
        }
    }

    /// <summary>Whether a conversation's time is over.</summary>
    public bool IsExpired(Conversation conversation, DateTimeOffset now) =>
        (SlidingExpiration is { } sliding && now - conversation.LastUsedAt >= sliding)
        || (AbsoluteExpiration is { } absolute && now - conversation.CreatedAt >= absolute);
}
