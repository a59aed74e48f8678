namespace MixKVQ.AgentConnector.Conversations;

/// <summary>A retained dialogue. Everything but <see cref="Turn"/> is guarded by its store.</summary>
/// <param name="id">Its name.</param>
/// <param name="isNamed">Whether a caller was given the id, and counts on the dialogue to be as that caller left it.</param>
/// <param name="state">How it stands; the conversation takes over the reference.</param>
/// <param name="createdAt">When it was first retained.</param>
internal sealed class Conversation(string id, bool isNamed, ConversationState state, DateTimeOffset createdAt)
{
    /// <summary>The conversation's id.</summary>
    public string Id { get; } = id;

    /// <summary>Whether a caller was given the id.</summary>
    public bool IsNamed { get; } = isNamed;

    /// <summary>When it was first retained.</summary>
    public DateTimeOffset CreatedAt { get; } = createdAt;

    /// <summary>Held for a turn by callers that pass the id. Async waiters of a semaphore are served in order.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>How the dialogue stands.</summary>
    public ConversationState State { get; set; } = state;

    /// <summary>Whether its cache stays in memory.</summary>
    public bool IsPinned { get; set; }

    /// <summary>How many turns run on it or wait for it.</summary>
    public int UserCount { get; set; }

    /// <summary>When it was last used, by the store's count.</summary>
    public long LastUse { get; set; }

    /// <summary>When it was last used.</summary>
    public DateTimeOffset LastUsedAt { get; set; } = createdAt;
}
