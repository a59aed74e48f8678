using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// Lets turns begin and grow so that all caches together stay within a limit. A turn waits, in order, rather than fail. What others have granted is only
/// given away where every running turn can still come to its end, one after another (the banker's algorithm, Dijkstra, EWD 108): no turns wait for each other.
/// What no turn works on leaves memory, least recently used first, when room is needed. Thread-safe.
/// </summary>
/// <param name="limitBytes">The most bytes of all caches.</param>
/// <param name="sequences">Tells what sequences take.</param>
/// <param name="memory">The retained caches.</param>
internal sealed class MemoryBudget(long limitBytes, ISequenceFactory sequences, IRetainedMemory memory)
{
    private readonly List<MemoryClaim> _claims = [];
    private readonly LinkedList<Waiter> _growing = [];
    private readonly LinkedList<Waiter> _entering = [];

    /// <summary>The most bytes of all caches.</summary>
    public long LimitBytes => limitBytes;

    /// <summary>How many turns wait for memory.</summary>
    public int WaitingCount { get { lock (memory.Gate) { return _growing.Count + _entering.Count; } } }

    /// <summary>Waits until a sequence may begin that is forked from <paramref name="basis"/>. The caller holds a reference to the basis.</summary>
    /// <param name="basis">The state to fork; null for none. It stays in memory from now on, if it is there; otherwise the claim has room to bring it back.</param>
    /// <param name="sharedTokens">How many tokens the fork keeps.</param>
    /// <param name="neededTokens">How many tokens the sequence holds at least: the whole prompt.</param>
    /// <param name="wantedTokens">How many it may hold if there is room.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="InsufficientMemoryException">The needed tokens do not fit even alone; the message has the sizes.</exception>
    public Task<MemoryClaim> EnterAsync(ConversationState? basis, int sharedTokens, int neededTokens, int wantedTokens, CancellationToken cancellationToken)
    {
        Task<MemoryClaim> waiting;
        lock (memory.Gate)
        {
            var claim = new MemoryClaim(this, sequences, basis, sharedTokens, neededTokens, wantedTokens);
            Limit(claim);
            if (_entering.Count == 0 && TryEnter(claim))
            {
                return Task.FromResult(claim);
            }

            waiting = WaitAsync(_entering, new Waiter(claim, () => TryEnterLimited(claim)), cancellationToken);
        }

        AskBack();
        return waiting;
    }

    /// <summary>
    /// As <see cref="EnterAsync"/>, without waiting and for the needed tokens only; null where there is no room now or somebody waits.
    /// </summary>
    /// <param name="basis">The state to fork.</param>
    /// <param name="sharedTokens">How many tokens the fork keeps.</param>
    /// <param name="neededTokens">How many tokens the sequence holds.</param>
    /// <param name="askBack">Called, on any thread, whenever a turn begins to wait: ends the claim soon.</param>
    public MemoryClaim? TryEnter(ConversationState basis, int sharedTokens, int neededTokens, Action askBack)
    {
        lock (memory.Gate)
        {
            var claim = new MemoryClaim(this, sequences, basis, sharedTokens, neededTokens, neededTokens) { AskBack = askBack };
            return _entering.Count == 0 && _growing.Count == 0 && TryEnter(claim) ? claim : null;
        }
    }

    /// <summary>Says that a claim's basis is in memory, or that it will not be: its parts count from now on, not the room for it.</summary>
    public void EndRestore(MemoryClaim claim)
    {
        lock (memory.Gate)
        {
            claim.RestoreBytes = 0;
            ServeWaiters();
        }
    }

    /// <summary>Lets the basis of a turn that is under way leave memory: the turn holds what it shares with it, and never goes back to it.</summary>
    public void LeaveBasis(MemoryClaim claim)
    {
        lock (memory.Gate)
        {
            if (claim is { Basis: { } basis, Sequence: { } sequence })
            {
                HashSet<object> ofBasis = new(basis.Parts.Select(part => part.Identity), ReferenceEqualityComparer.Instance);
                claim.LeaveBasis([.. sequence.Parts.Where(part => ofBasis.Contains(part.Identity))]);
                memory.LetGo(basis);
                ServeWaiters();
            }
        }
    }

    /// <summary>Ends a claim.</summary>
    public void Release(MemoryClaim claim)
    {
        lock (memory.Gate)
        {
            if (_claims.Remove(claim))
            {
                if (claim.Basis is { } basis)
                {
                    memory.LetGo(basis);
                }

                ServeWaiters();
            }
        }
    }

    /// <summary>Serves those that wait, after something was given back. The caller holds the gate.</summary>
    public void ServeWaiters()
    {
        Serve(_growing, stopsAtFirst: false);

        // In order: a large turn is not overtaken by small ones for ever.
        Serve(_entering, stopsAtFirst: true);
    }

    /// <summary>Whether running turns could end if these parts stayed in memory too. The caller holds the gate.</summary>
    public bool CanKeep(IReadOnlyList<CachePart> parts) => CanAllEnd(Bytes(parts.Concat(UnmovableParts())));

    /// <summary>The states that running turns were forked from. The caller holds the gate.</summary>
    public IEnumerable<ConversationState> Bases => _claims.Select(claim => claim.Basis).OfType<ConversationState>();

    internal async Task GrowAsync(MemoryClaim claim, int tokens, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, claim.MostTokens);
        Task<MemoryClaim> waiting;
        lock (memory.Gate)
        {
            if (TryGrow(claim, tokens))
            {
                return;
            }

            waiting = WaitAsync(_growing, new Waiter(claim, () => TryGrow(claim, tokens)), cancellationToken);
        }

        AskBack();
        await waiting.ConfigureAwait(false);
    }

    private static long Bytes(IEnumerable<CachePart> parts) => parts.DistinctBy(part => part.Identity, ReferenceEqualityComparer.Instance).Sum(part => part.Bytes);

    /// <summary>Asks for what is claimed for later use only. Not under the gate: those asked may take locks of their own.</summary>
    private void AskBack()
    {
        Action[] holders;
        lock (memory.Gate)
        {
            holders = [.. _claims.Select(claim => claim.AskBack).OfType<Action>()];
        }

        Array.ForEach(holders, askBack => askBack());
    }

    /// <summary>Limits a claim to what fits beside that which no waiting makes free.</summary>
    private void Limit(MemoryClaim claim)
    {
        (ConversationState? basis, int sharedTokens, int neededTokens) = (claim.Basis, claim.SharedTokens, claim.NeededTokens);
        long unmovable = Bytes(memory.PinnedParts.Concat(basis?.Parts ?? [])) + RestoreBytes(basis);
        int most = claim.WantedTokens;
        while (most >= neededTokens && unmovable + sequences.BytesToHold(sharedTokens, most) > limitBytes)
        {
            most = CacheGeometry.PageBorder(most) - 1;
        }

        if (most < neededTokens)
        {
            throw new InsufficientMemoryException(
                $"The turn of {neededTokens} tokens, of which {sharedTokens} are in a retained cache, needs {ByteSize.Describe(sequences.BytesToHold(sharedTokens, neededTokens))} "
                + $"beside {ByteSize.Describe(unmovable)} that cannot leave memory (the retained cache and pinned ones), more than the budget of {ByteSize.Describe(limitBytes)} for all caches. "
                + $"Raise {nameof(MixKvqOptions.Cache)}.{nameof(KvCacheOptions.MemoryBudget)}, send less, or unpin conversations.");
        }

        claim.Limit(most);
    }

    /// <summary>Enters a claim that waited: what is pinned may have changed.</summary>
    private bool TryEnterLimited(MemoryClaim claim)
    {
        Limit(claim);
        return TryEnter(claim);
    }

    private bool TryEnter(MemoryClaim claim)
    {
        // The basis may have left memory while the turn waited.
        claim.RestoreBytes = RestoreBytes(claim.Basis);
        _claims.Add(claim);
        if (CanAllEnd(Bytes(UnmovableParts())))
        {
            MakeRoom();
            return true;
        }

        _claims.Remove(claim);
        return false;
    }

    private bool TryGrow(MemoryClaim claim, int tokens)
    {
        (int grantedTokens, long grantedBytes) = (claim.GrantedTokens, claim.GrantedBytes);
        claim.Grant(tokens);
        if (CanAllEnd(Bytes(UnmovableParts())))
        {
            MakeRoom();
            return true;
        }

        claim.Revert(grantedTokens, grantedBytes);
        return false;
    }

    /// <summary>The most that a basis takes once it is back. Not what its file says of that: the file may be a stranger's.</summary>
    private long RestoreBytes(ConversationState? basis) => basis is { IsResident: false } ? sequences.BytesToHold(0, basis.CachedTokens) : 0;

    private IEnumerable<CachePart> UnmovableParts() => memory.UnmovableParts.Concat(_claims.SelectMany(claim => claim.Basis?.Parts ?? claim.SharedParts));

    /// <summary>Whether the claims can end in some order: each, when its turn comes, gets all that it may still ask for, and what it had becomes free, unless its conversation is pinned.</summary>
    private bool CanAllEnd(long unmovableBytes)
    {
        long free = limitBytes - unmovableBytes - _claims.Sum(claim => claim.RestoreBytes + claim.GrantedBytes);
        if (free < 0)
        {
            return false;
        }

        foreach ((MemoryClaim claim, bool isPinned) in _claims
            .Select(claim => (Claim: claim, IsPinned: claim.Basis is { } basis && memory.IsPinned(basis)))
            .OrderBy(entry => entry.IsPinned)
            .ThenBy(entry => entry.Claim.MostBytes - entry.Claim.GrantedBytes))
        {
            long missing = claim.MostBytes - claim.GrantedBytes;
            if (missing > free)
            {
                return false;
            }

            free += isPinned ? -missing : claim.GrantedBytes;
        }

        return true;
    }

    private void MakeRoom()
    {
        // What is outstanding first: a page that is sealed meanwhile then counts twice rather than not at all.
        while (_claims.Sum(claim => claim.OutstandingBytes) + sequences.HeldBytes > limitBytes && memory.TryEvict())
        {
        }
    }

    private static void Serve(LinkedList<Waiter> waiters, bool stopsAtFirst)
    {
        for (LinkedListNode<Waiter>? node = waiters.First, next; node is not null; node = next)
        {
            next = node.Next;
            try
            {
                if (node.Value.Try())
                {
                    waiters.Remove(node);
                    node.Value.Granted.SetResult(node.Value.Claim);
                }
                else if (stopsAtFirst)
                {
                    return;
                }
            }
            catch (InsufficientMemoryException refusal)
            {
                waiters.Remove(node);
                node.Value.Granted.SetException(refusal);
            }
        }
    }

    private async Task<MemoryClaim> WaitAsync(LinkedList<Waiter> waiters, Waiter waiter, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> node = waiters.AddLast(waiter);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            _ =>
            {
                lock (memory.Gate)
                {
                    if (node.List is not null)
                    {
                        waiters.Remove(node);
                        waiter.Granted.SetCanceled(cancellationToken);
                        ServeWaiters();
                    }
                }
            },
            null);
        return await waiter.Granted.Task.ConfigureAwait(false);
    }

    private sealed record Waiter(MemoryClaim Claim, Func<bool> Try)
    {
        // Continuations must not run under the gate.
        public TaskCompletionSource<MemoryClaim> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
