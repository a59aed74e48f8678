using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>All that a file says of a conversation beside the bytes of its cache. Immutable.</summary>
internal sealed record SavedConversation
{
    /// <summary>The conversation's id.</summary>
    public required string Id { get; init; }

    /// <summary>Whether a caller was given the id.</summary>
    public required bool IsNamed { get; init; }

    /// <summary>When the conversation was first retained.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last used.</summary>
    public required DateTimeOffset LastUsedAt { get; init; }

    /// <summary>When the dialogue began: the time that its prompt names.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The model that read it.</summary>
    public required ModelSignature Signature { get; init; }

    /// <summary>All token ids of the dialogue. Not to be changed.</summary>
    public required TokenLog Tokens { get; init; }

    /// <summary>The dialogue.</summary>
    public required Dialogue Dialogue { get; init; }

    /// <summary>The settings of its prompt.</summary>
    public required PromptSettings Settings { get; init; }

    /// <summary>How many of the tokens the cache holds; 0 where it is lost and all have to be read again.</summary>
    public required int CachedTokens { get; init; }

    /// <summary>The bytes that the cache takes in memory.</summary>
    public required CacheUsage Usage { get; init; }

    /// <summary>Where answers end: after how many turns and how many tokens. Empty where that is not known.</summary>
    public IReadOnlyList<(int Turns, int Tokens)> AnswerEnds { get; init; } = [];

    /// <summary>The same conversation without a cache.</summary>
    public SavedConversation WithoutCache() => this with
    {
        CachedTokens = 0,
        Usage = new CacheUsage { TokenCount = 0, Elements = 0, SealedElements = 0, Pages = default, SinkBytes = 0, TailBytes = 0, StatisticsBytes = 0 },
    };
}
