using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// What a turn may take of the memory for caches: granted for its prompt when it begins, then page by page as its answer grows. Given back when disposed.
/// </summary>
internal sealed class MemoryClaim : IDisposable
{
    private readonly MemoryBudget _budget;
    private readonly ISequenceFactory _sequences;
    private readonly int _sharedTokens;
    private int _grantedTokens;

    internal MemoryClaim(MemoryBudget budget, ISequenceFactory sequences, ConversationState? basis, int sharedTokens, int neededTokens, int wantedTokens)
    {
        _budget = budget;
        _sequences = sequences;
        _sharedTokens = sharedTokens;
        Basis = basis;
        NeededTokens = neededTokens;
        WantedTokens = MostTokens = wantedTokens;
        Grant(neededTokens);
    }

    /// <summary>The state that the turn's sequence is forked from and goes back to if the turn fails, if any; its cache stays in memory meanwhile.</summary>
    public ConversationState? Basis { get; private set; }

    /// <summary>What the turn's sequence holds together with others, where there is no basis that holds it too.</summary>
    internal IReadOnlyList<CachePart> SharedParts { get; private set; } = [];

    /// <summary>The most tokens that the sequence may come to hold.</summary>
    public int MostTokens { get; private set; }

    /// <summary>The tokens that the sequence may hold now. Read it while waiting for nothing.</summary>
    public int GrantedTokens => Volatile.Read(ref _grantedTokens);

    /// <summary>The turn's sequence, once open: what it allocated is part of what was granted.</summary>
    public IConversationSequence? Sequence { get; set; }

    /// <summary>Asks for the memory back when a turn waits for some; null where the claim is a turn's.</summary>
    public Action? AskBack { get; init; }

    /// <summary>How many tokens of the basis the sequence shares.</summary>
    internal int SharedTokens => _sharedTokens;

    /// <summary>How many tokens the sequence holds at least.</summary>
    internal int NeededTokens { get; }

    /// <summary>How many it may hold if there is room.</summary>
    internal int WantedTokens { get; }

    /// <summary>Bytes to bring the basis back from disk; 0 once it is there.</summary>
    internal long RestoreBytes { get; set; }

    /// <summary>Bytes that the sequence may hold of its own.</summary>
    internal long GrantedBytes { get; private set; }

    /// <summary>Bytes that it may come to hold.</summary>
    internal long MostBytes => _sequences.BytesToHold(_sharedTokens, MostTokens);

    /// <summary>Bytes granted and not allocated yet.</summary>
    internal long OutstandingBytes => RestoreBytes + Math.Max(0, GrantedBytes - (Sequence?.OwnBytes ?? 0));

    /// <summary>Waits until the sequence may hold <paramref name="tokens"/>, at most <see cref="MostTokens"/>.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was granted.</exception>
    public Task GrowAsync(int tokens, CancellationToken cancellationToken) =>
        tokens <= GrantedTokens ? Task.CompletedTask : _budget.GrowAsync(this, tokens, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _budget.Release(this);

    /// <summary>Leaves the basis to itself, but for what the sequence shares with it.</summary>
    internal void LeaveBasis(IReadOnlyList<CachePart> sharedParts) => (Basis, SharedParts) = (null, sharedParts);

    /// <summary>Sets the most tokens before the claim is entered.</summary>
    internal void Limit(int mostTokens)
    {
        MostTokens = mostTokens;
        Grant(NeededTokens);
    }

    /// <summary>Sets what is granted: <paramref name="tokens"/>, and as many more as need no further page.</summary>
    internal void Grant(int tokens)
    {
        GrantedBytes = _sequences.BytesToHold(_sharedTokens, tokens);
        int nextPage = CacheGeometry.SinkTokens + (CacheGeometry.PagesIn(tokens) + 1) * CacheGeometry.PageTokens;
        Volatile.Write(ref _grantedTokens, Math.Min(MostTokens, nextPage - 1));
    }

    internal void Revert(int tokens, long bytes)
    {
        GrantedBytes = bytes;
        Volatile.Write(ref _grantedTokens, tokens);
    }
}
