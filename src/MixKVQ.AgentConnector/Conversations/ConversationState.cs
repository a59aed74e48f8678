using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// A dialogue as it stood after a turn, with what the model has read of it. Never changes: a turn works on a fork and makes a new state.
/// Shared by reference count; the sequence goes with the last reference. Thread-safe.
/// </summary>
internal sealed class ConversationState
{
    private readonly Lock _gate = new();
    private readonly IConversationSequence _sequence;
    private int _references = 1;

    /// <summary>Takes over <paramref name="sequence"/>; the maker holds the first reference.</summary>
    public ConversationState(IConversationSequence sequence, TokenLog tokens, Dialogue dialogue, PromptSettings settings, DateTimeOffset startedAt)
    {
        _sequence = sequence;
        CachedTokens = sequence.TokenCount;
        Tokens = tokens;
        Dialogue = dialogue;
        Usage = sequence.Usage;
        Settings = settings;
        StartedAt = startedAt;
    }

    /// <summary>How many of the tokens the cache holds; those after it were generated last and never fed back.</summary>
    public int CachedTokens { get; }

    /// <summary>All token ids of the dialogue. Not to be changed.</summary>
    public TokenLog Tokens { get; }

    /// <summary>The dialogue; its last turn is the model's.</summary>
    public Dialogue Dialogue { get; }

    /// <summary>The bytes of its cache.</summary>
    public CacheUsage Usage { get; }

    /// <summary>The settings of its prompt.</summary>
    public PromptSettings Settings { get; }

    /// <summary>When the dialogue began: the time that its prompt names.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>How much of the cache serves a prompt that shares its first <paramref name="sharedTokens"/> tokens with this dialogue.</summary>
    public int ReusableTokens(int sharedTokens) =>
        sharedTokens >= CachedTokens ? CachedTokens : _sequence.PageBorder(sharedTokens);

    /// <summary>A fork of the sequence; the caller owns it.</summary>
    public IConversationSequence Fork()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_references == 0, this);
            return _sequence.Fork();
        }
    }

    /// <summary>Adds a reference.</summary>
    public void Retain()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_references == 0, this);
            _references++;
        }
    }

    /// <summary>Gives one reference back.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (--_references == 0)
            {
                _sequence.Dispose();
            }
        }
    }
}
