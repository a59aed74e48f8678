namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// The retained conversations, at most <paramref name="maxConversations"/> of them: beyond that the least recently used
/// goes, but none that a turn runs on. Thread-safe.
/// </summary>
/// <param name="maxConversations">At least one.</param>
/// <param name="onEvicted">Told the id and the tokens of each conversation that goes.</param>
internal sealed class ConversationStore(int maxConversations, Action<string, int> onEvicted) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Conversation> _conversations = new(StringComparer.Ordinal);
    private long _useCount;
    private bool _disposed;

    /// <summary>How many conversations are retained.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _conversations.Count;
            }
        }
    }

    /// <summary>What the retained conversations hold together.</summary>
    public ConversationTotals Totals
    {
        get
        {
            lock (_gate)
            {
                return new ConversationTotals(
                    _conversations.Count,
                    _conversations.Values.Sum(conversation => conversation.State.Usage.TotalBytes),
                    _conversations.Values.Sum(conversation => conversation.State.Usage.Elements));
            }
        }
    }

    /// <summary>The conversation with this id, kept from release until <see cref="Unpin"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public Conversation Pin(string id)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_conversations.TryGetValue(id, out Conversation? conversation))
            {
                throw new ArgumentException(
                    $"There is no conversation '{id}': it was never begun here, or was released because more than {maxConversations} were used after it. "
                    + $"Begin one by a request without a ConversationId on a client whose {nameof(MixKvqOptions)}.{nameof(MixKvqOptions.Stateful)} is true, or raise {nameof(MixKvqOptions.MaxConversations)}.",
                    nameof(id));
            }

            conversation.UserCount++;
            conversation.LastUse = ++_useCount;
            return conversation;
        }
    }

    /// <summary>Ends what <see cref="Pin"/> began.</summary>
    public void Unpin(Conversation conversation)
    {
        lock (_gate)
        {
            conversation.UserCount--;
            Trim(keep: null);
        }
    }

    /// <summary>Every conversation with its present state, latest use first. The caller releases each state.</summary>
    public IReadOnlyList<(Conversation Conversation, ConversationState State)> Snapshot()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return [.. _conversations.Values.OrderByDescending(conversation => conversation.LastUse).Select(conversation =>
            {
                conversation.State.Retain();
                return (conversation, conversation.State);
            })];
        }
    }

    /// <summary>
    /// Puts <paramref name="next"/> in the place of <paramref name="basis"/> where that is still how
    /// <paramref name="conversation"/> stands; otherwise retains it as a conversation of its own. Takes the reference
    /// over.
    /// </summary>
    /// <returns>The conversation that holds it.</returns>
    public Conversation Advance(Conversation? conversation, ConversationState? basis, ConversationState next, bool isNamed)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                next.Release();
                throw new ObjectDisposedException(nameof(MixKvqChatClient));
            }

            if (conversation is not null && conversation.State == basis && _conversations.ContainsKey(conversation.Id))
            {
                conversation.State.Release();
                conversation.State = next;
            }
            else
            {
                conversation = new Conversation($"conv_{Guid.NewGuid():N}", isNamed, next);
                _conversations.Add(conversation.Id, conversation);
            }

            conversation.LastUse = ++_useCount;
            Trim(keep: conversation);
            return conversation;
        }
    }

    /// <summary>Adds a reference to <paramref name="state"/> where that is how <paramref name="conversation"/> stands; false where it is not, or no more.</summary>
    public bool TryRetain(Conversation conversation, ConversationState state)
    {
        lock (_gate)
        {
            if (!StandsAt(conversation, state))
            {
                return false;
            }

            state.Retain();
            return true;
        }
    }

    /// <summary>
    /// Puts <paramref name="next"/>, the same dialogue, in the place of <paramref name="basis"/> where that is still how
    /// <paramref name="conversation"/> stands; otherwise releases it. Takes the reference over. This is no use of the conversation.
    /// </summary>
    public bool TryReplace(Conversation conversation, ConversationState basis, ConversationState next)
    {
        lock (_gate)
        {
            if (!StandsAt(conversation, basis))
            {
                next.Release();
                return false;
            }

            conversation.State = next;
            basis.Release();
            return true;
        }
    }

    /// <summary>Releases every conversation.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (Conversation conversation in _conversations.Values)
            {
                conversation.State.Release();
            }

            _conversations.Clear();
        }
    }

    private bool StandsAt(Conversation conversation, ConversationState state) =>
        conversation.State == state && _conversations.GetValueOrDefault(conversation.Id) == conversation;

    private void Trim(Conversation? keep)
    {
        while (_conversations.Count > maxConversations
            && _conversations.Values.Where(conversation => conversation.UserCount == 0 && conversation != keep).MinBy(conversation => conversation.LastUse) is { } oldest)
        {
            _conversations.Remove(oldest.Id);
            onEvicted(oldest.Id, oldest.State.Tokens.Count);
            oldest.State.Release();
        }
    }
}
