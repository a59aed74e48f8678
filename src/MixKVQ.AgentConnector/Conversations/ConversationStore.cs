using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// The conversations that are known, whether their caches are in memory or not. Beyond the limits the least recently used goes, but none that a turn runs
/// on or that is pinned. Thread-safe.
/// </summary>
internal sealed class ConversationStore : IRetainedMemory, IDisposable
{
    private readonly Dictionary<string, Conversation> _conversations = new(StringComparer.Ordinal);
    private readonly ConversationLimits _limits;
    private readonly TimeProvider _clock;
    private readonly ConversationEvents _events;
    private long _useCount;
    private bool _disposed;

    /// <param name="limits">How many conversations are kept, and for how long.</param>
    /// <param name="sequences">Tells what caches take.</param>
    /// <param name="clock">Tells when conversations expire.</param>
    /// <param name="events">Told what leaves.</param>
    public ConversationStore(ConversationLimits limits, ISequenceFactory sequences, TimeProvider clock, ConversationEvents events)
    {
        _limits = limits;
        _clock = clock;
        _events = events;
        Budget = new MemoryBudget(limits.MemoryBytes, sequences, this);
    }

    /// <inheritdoc/>
    public Lock Gate { get; } = new();

    /// <summary>Lets turns take memory.</summary>
    public MemoryBudget Budget { get; }

    /// <inheritdoc/>
    public IEnumerable<CachePart> UnmovableParts => _conversations.Values.Where(IsUnmovable).SelectMany(conversation => conversation.State.Parts);

    /// <inheritdoc/>
    public IEnumerable<CachePart> PinnedParts => _conversations.Values.Where(conversation => conversation.IsPinned).SelectMany(conversation => conversation.State.Parts);

    /// <summary>What the conversations hold together.</summary>
    public ConversationTotals Totals
    {
        get
        {
            lock (Gate)
            {
                return ConversationTotals.Of([.. _conversations.Values.Select(conversation => conversation.State)]);
            }
        }
    }

    /// <summary>The conversation with this id, kept until <see cref="EndUse"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public Conversation Use(string id)
    {
        lock (Gate)
        {
            Conversation conversation = Find(id) ?? throw Unknown(id);
            conversation.UserCount++;
            Touch(conversation);
            return conversation;
        }
    }

    /// <summary>Checks that a conversation is known still.</summary>
    /// <exception cref="ArgumentException">It is not.</exception>
    public void RequireKnown(Conversation conversation)
    {
        lock (Gate)
        {
            if (_conversations.GetValueOrDefault(conversation.Id) != conversation)
            {
                throw Unknown(conversation.Id);
            }
        }
    }

    /// <summary>Ends what <see cref="Use"/> began.</summary>
    public void EndUse(Conversation conversation)
    {
        lock (Gate)
        {
            conversation.UserCount--;
            Trim(keep: null);
        }
    }

    /// <summary>Every conversation with its present state, latest use first. The caller releases each state.</summary>
    public IReadOnlyList<(Conversation Conversation, ConversationState State)> Snapshot()
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return [.. Live().OrderByDescending(conversation => conversation.LastUse).Select(conversation =>
            {
                conversation.State.Retain();
                return (conversation, conversation.State);
            })];
        }
    }

    /// <summary>What <paramref name="read"/>, which runs under the gate, makes of all conversations, latest use first.</summary>
    public T Read<T>(Func<IReadOnlyList<Conversation>, T> read)
    {
        lock (Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return read([.. Live().OrderByDescending(conversation => conversation.LastUse)]);
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
        lock (Gate)
        {
            if (_disposed)
            {
                next.Release();
                throw new ObjectDisposedException(nameof(ConversationStore));
            }

            ShareWithNearest(next);
            if (conversation is not null && basis is not null && TryReplace(conversation, basis, next))
            {
                Touch(conversation);
                return conversation;
            }

            return Add(new Conversation(NewId(), isNamed, next, _clock.GetUtcNow()));
        }
    }

    /// <summary>Retains a conversation, whose id is new.</summary>
    public Conversation Add(Conversation conversation)
    {
        lock (Gate)
        {
            if (_disposed)
            {
                conversation.State.Release();
                throw new ObjectDisposedException(nameof(ConversationStore));
            }

            _conversations.Add(conversation.Id, conversation);
            conversation.LastUse = ++_useCount;
            Trim(keep: conversation);
            return conversation;
        }
    }

    /// <summary>Puts <paramref name="next"/>, whose reference it takes over then, in the place of <paramref name="basis"/> where that is still how the conversation stands. This is no use of it.</summary>
    public bool TryReplace(Conversation conversation, ConversationState basis, ConversationState next)
    {
        lock (Gate)
        {
            if (!StandsAt(conversation, basis))
            {
                return false;
            }

            basis.ForgetFile(conversation.Id);
            conversation.State = next;
            LetGo(basis);
            basis.Release();
            return true;
        }
    }

    /// <summary>An id that no conversation had.</summary>
    public static string NewId() => $"conv_{Guid.NewGuid():N}";

    /// <summary>Keeps a conversation's cache in memory from now on, where it is.</summary>
    /// <exception cref="InsufficientMemoryException">The budget does not allow it.</exception>
    public void Pin(Conversation conversation)
    {
        lock (Gate)
        {
            if (!conversation.IsPinned && !Budget.CanKeep(conversation.State.Parts))
            {
                throw new InsufficientMemoryException(
                    $"The cache of conversation '{conversation.Id}', {ByteSize.Describe(conversation.State.Usage.TotalBytes)}, cannot be pinned beside those that are pinned or in use: "
                    + $"the budget for all caches is {ByteSize.Describe(Budget.LimitBytes)}. Raise {nameof(MixKvqOptions.Cache)}.{nameof(KvCacheOptions.MemoryBudget)} or unpin others.");
            }

            conversation.IsPinned = true;
        }
    }

    /// <summary>Lets a conversation's cache leave memory again.</summary>
    public void Unpin(Conversation conversation)
    {
        lock (Gate)
        {
            conversation.IsPinned = false;
            Budget.ServeWaiters();
        }
    }

    /// <summary>Adds a reference to <paramref name="state"/> where that is how <paramref name="conversation"/> stands; false where it is not, or no more.</summary>
    public bool TryRetain(Conversation conversation, ConversationState state)
    {
        lock (Gate)
        {
            if (!StandsAt(conversation, state))
            {
                return false;
            }

            state.Retain();
            return true;
        }
    }

    /// <summary>How a conversation stands, which the caller releases; null where it is no longer known.</summary>
    public ConversationState? Retain(Conversation conversation)
    {
        lock (Gate)
        {
            if (!_conversations.ContainsKey(conversation.Id))
            {
                return null;
            }

            conversation.State.Retain();
            return conversation.State;
        }
    }

    /// <summary>Forgets a conversation.</summary>
    public void Drop(Conversation conversation)
    {
        lock (Gate)
        {
            Remove(conversation, DropReason.Asked);
        }
    }

    /// <summary>Forgets the conversations whose time is over.</summary>
    public void DropExpired()
    {
        lock (Gate)
        {
            foreach (Conversation conversation in _conversations.Values.Where(IsExpired).ToArray())
            {
                Remove(conversation, DropReason.Expired);
            }
        }
    }

    /// <summary>Says that turns that wait for memory may look again: a state may leave memory now.</summary>
    public void ServeWaiters()
    {
        lock (Gate)
        {
            Budget.ServeWaiters();
        }
    }

    /// <summary>Says that the conversation's file has the cache of <paramref name="state"/>, where that is still how it stands: otherwise the next file has not.</summary>
    public void AddFile(Conversation conversation, ConversationState state)
    {
        lock (Gate)
        {
            if (StandsAt(conversation, state))
            {
                state.AddFile(conversation.Id);
            }
        }
    }

    /// <summary>Says that the file of a conversation is gone: its cache is lost where it was not in memory.</summary>
    public void ForgetFile(string id)
    {
        lock (Gate)
        {
            _conversations.GetValueOrDefault(id)?.State.ForgetFile(id);
        }
    }

    /// <summary>Has <paramref name="state"/> share what it holds with the retained cache that begins with most of the same tokens.</summary>
    public void ShareWithNearest(ConversationState state)
    {
        lock (Gate)
        {
            (ConversationState State, int Tokens) nearest = _conversations.Values
                .Select(conversation => conversation.State)
                .Where(other => other != state && other.IsResident)
                .Select(other => (other, Math.Min(state.Tokens.CountShared(other.Tokens), Math.Min(state.CachedTokens, other.CachedTokens))))
                .DefaultIfEmpty()
                .MaxBy(candidate => candidate.Item2);
            if (nearest.Tokens >= CacheGeometry.SinkTokens)
            {
                try
                {
                    state.ShareParts(nearest.State, nearest.Tokens);
                }
                catch (Exception exception) when (MemoryExhaustion.Is(exception))
                {
                    // Comparing takes memory. What is held twice does no harm.
                }
            }
        }
    }

    /// <inheritdoc/>
    public bool IsPinned(ConversationState state) => _conversations.Values.Any(conversation => conversation.IsPinned && conversation.State == state);

    /// <inheritdoc/>
    public bool TryEvict()
    {
        HashSet<ConversationState> kept = [.. _conversations.Values.Where(IsUnmovable).Select(conversation => conversation.State), .. Budget.Bases];
        if (_conversations.Values.Where(conversation => conversation.State.IsResident && !kept.Contains(conversation.State)).MinBy(conversation => conversation.LastUse) is not { } oldest)
        {
            return false;
        }

        _events.Evicted(oldest);
        oldest.State.LeaveMemory();
        return true;
    }

    /// <inheritdoc/>
    public void LetGo(ConversationState state)
    {
        // Plans and snapshots may refer to it still: they plan again.
        if (!Budget.Bases.Contains(state) && !_conversations.Values.Any(conversation => conversation.State == state))
        {
            state.LeaveMemory();
        }
    }

    /// <summary>Releases every conversation.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            _disposed = true;
            foreach (Conversation conversation in _conversations.Values)
            {
                conversation.State.Release();
            }

            _conversations.Clear();
        }
    }

    private ArgumentException Unknown(string id) => new(
        $"There is no conversation '{id}': it was never begun here, was dropped, has expired, was released because more than {_limits.MaxConversations} were used after it, or its saved file was refused (the log says why). "
        + $"Begin one by a request without a ConversationId on a client whose {nameof(MixKvqOptions)}.{nameof(MixKvqOptions.Stateful)} is true, or raise {nameof(MixKvqOptions.MaxConversations)}.",
        nameof(id));

    private static bool IsUnmovable(Conversation conversation) => conversation.IsPinned || !conversation.State.MayLeaveMemory;

    private bool StandsAt(Conversation conversation, ConversationState state) =>
        conversation.State == state && _conversations.GetValueOrDefault(conversation.Id) == conversation;

    private Conversation? Find(string id)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_conversations.TryGetValue(id, out Conversation? conversation) && !IsExpired(conversation))
        {
            return conversation;
        }

        return null;
    }

    private IEnumerable<Conversation> Live() => _conversations.Values.Where(conversation => !IsExpired(conversation));

    private bool IsExpired(Conversation conversation) => conversation.UserCount == 0 && _limits.IsExpired(conversation, _clock.GetUtcNow());

    private void Touch(Conversation conversation)
    {
        conversation.LastUse = ++_useCount;
        conversation.LastUsedAt = _clock.GetUtcNow();
    }

    private void Trim(Conversation? keep)
    {
        while (_conversations.Count > _limits.MaxConversations
            && _conversations.Values.Where(conversation => conversation.UserCount == 0 && !conversation.IsPinned && conversation != keep).MinBy(conversation => conversation.LastUse) is { } oldest)
        {
            Remove(oldest, DropReason.TooMany);
        }
    }

    private void Remove(Conversation conversation, DropReason reason)
    {
        if (_conversations.Remove(conversation.Id))
        {
            _events.Dropped(conversation, reason);
            conversation.State.ForgetFile(conversation.Id);
            LetGo(conversation.State);
            conversation.State.Release();
            Budget.ServeWaiters();
        }
    }
}
