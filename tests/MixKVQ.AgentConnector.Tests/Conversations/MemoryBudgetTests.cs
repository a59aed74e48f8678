using CsCheck;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class MemoryBudgetTests
{
    private const int Piece = ScriptedSequenceFactory.PieceBytes;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ATurnThatDoesNotFitEvenAlone_IsRefusedWithTheSizes()
    {
        MemoryBudget budget = new Memory().Budget(pieces: 4);
        InsufficientMemoryException refusal = await Assert.ThrowsAsync<InsufficientMemoryException>(() => budget.EnterAsync(null, 0, Tokens(5), Tokens(9), Cancellation));
        Assert.Contains("672 tokens", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("3 KiB", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("2 KiB", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("MemoryBudget", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAnswerThatWouldNotFit_IsCutToWhatTheBudgetHolds()
    {
        MemoryBudget budget = new Memory().Budget(pieces: 4);
        using MemoryClaim claim = await budget.EnterAsync(null, 0, Tokens(1), Tokens(100), Cancellation);
        Assert.Equal(Tokens(4) - 1, claim.MostTokens);
    }

    [Fact]
    public async Task TurnsWaitInOrder_UntilOthersEnd()
    {
        MemoryBudget budget = new Memory().Budget(pieces: 6);
        MemoryClaim first = await budget.EnterAsync(null, 0, Tokens(4), Tokens(4), Cancellation);
        Task<MemoryClaim> large = budget.EnterAsync(null, 0, Tokens(3), Tokens(3), Cancellation);
        Task<MemoryClaim> small = budget.EnterAsync(null, 0, 1, 1, Cancellation);
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted, "A small turn overtook a large one.");
        Assert.Equal(2, budget.WaitingCount);

        first.Dispose();
        (await large).Dispose();
        (await small).Dispose();
        Assert.Equal(0, budget.WaitingCount);
    }

    [Fact]
    public async Task ATurnThatGivesUpWaiting_LeavesTheQueueToOthers()
    {
        MemoryBudget budget = new Memory().Budget(pieces: 6);
        using MemoryClaim first = await budget.EnterAsync(null, 0, Tokens(4), Tokens(4), Cancellation);
        using var impatience = new CancellationTokenSource();
        Task<MemoryClaim> large = budget.EnterAsync(null, 0, Tokens(3), Tokens(3), impatience.Token);
        Task<MemoryClaim> small = budget.EnterAsync(null, 0, 1, 1, Cancellation);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        (await small).Dispose();
    }

    [Fact]
    public async Task ATurnThatCouldBlockOthersForEver_DoesNotGrowUntilItCanEnd()
    {
        // Both may come to need 5 pieces of 6. Were both let grow to 3, neither could end.
        MemoryBudget budget = new Memory().Budget(pieces: 6);
        MemoryClaim first = await budget.EnterAsync(null, 0, Tokens(0), Tokens(4), Cancellation);
        using MemoryClaim second = await budget.EnterAsync(null, 0, Tokens(0), Tokens(4), Cancellation);
        await first.GrowAsync(Tokens(3), Cancellation);
        Task growth = second.GrowAsync(Tokens(2), Cancellation);
        Assert.False(growth.IsCompleted);
        await first.GrowAsync(Tokens(4), Cancellation);
        first.Dispose();
        await growth;
    }

    [Fact]
    public async Task WhatIsBeingWritten_IsWaitedFor()
    {
        // A turn that is refused for it would fit a moment later.
        var memory = new Memory { Written = [new CachePart(new object(), 4 * Piece)] };
        MemoryBudget budget = memory.Budget(pieces: 6);
        Task<MemoryClaim> turn = budget.EnterAsync(null, 0, Tokens(3), Tokens(5), Cancellation);
        Assert.False(turn.IsCompleted);
        memory.Written = [];
        Serve(budget, memory);
        using MemoryClaim claim = await turn;
        Assert.Equal(Tokens(5), claim.MostTokens);
    }

    [Fact]
    public async Task ATurnThatWaits_IsRefused_WhenWhatIsPinnedMeanwhileLeavesNoRoom()
    {
        var memory = new Memory();
        MemoryBudget budget = memory.Budget(pieces: 6);
        MemoryClaim first = await budget.EnterAsync(null, 0, Tokens(3), Tokens(3), Cancellation);
        Task<MemoryClaim> large = budget.EnterAsync(null, 0, Tokens(4), Tokens(4), Cancellation);
        Task<MemoryClaim> small = budget.EnterAsync(null, 0, Tokens(0), Tokens(3), Cancellation);
        memory.Pinned = [new CachePart(new object(), 2 * Piece)];
        first.Dispose();
        await Assert.ThrowsAsync<InsufficientMemoryException>(() => large.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
        using MemoryClaim claim = await small;
        Assert.Equal(Tokens(3), claim.MostTokens);
    }

    [Fact]
    public async Task WhatATurnOfAPinnedConversationTakes_IsPromisedToNobody()
    {
        var memory = new Memory();
        MemoryBudget budget = memory.Budget(pieces: 9);
        ConversationState pinned = memory.Pin();
        MemoryClaim ofPinned = await budget.EnterAsync(pinned, 0, Tokens(2), Tokens(2), Cancellation);
        Task<MemoryClaim> other = budget.EnterAsync(null, 0, Tokens(2), Tokens(5), Cancellation);
        Assert.False(other.IsCompleted, "It could not come to its end.");
        memory.Pinned = [new CachePart(new object(), 4 * Piece)];
        ofPinned.Dispose();
        using MemoryClaim claim = await other;
        await claim.GrowAsync(claim.MostTokens, Cancellation);
        Assert.Equal(Tokens(5) - 1, claim.MostTokens);
        pinned.Release();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatIsClaimedForLater_IsAskedBack_WhenATurnWaits(bool grows)
    {
        var memory = new Memory();
        MemoryBudget budget = memory.Budget(pieces: 6);
        ConversationState basis = memory.State();
        MemoryClaim turn = await budget.EnterAsync(null, 0, Tokens(0), Tokens(3), Cancellation);
        MemoryClaim? later = null;
        later = budget.TryEnter(basis, 0, Tokens(2), () => later!.Dispose());
        Assert.NotNull(later);
        if (grows)
        {
            await turn.GrowAsync(Tokens(3), Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        }
        else
        {
            (await budget.EnterAsync(null, 0, Tokens(3), Tokens(3), Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).Dispose();
        }

        turn.Dispose();
        basis.Release();
    }

    [Fact]
    public void WhateverTurnsAskFor_TheLimitHoldsAndAllComeToTheirEnd() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 12], Gen.Int[0, 3]).Array[1, 40].SampleAsync(
            async turns =>
            {
                const int limit = 14;
                var memory = new Memory();
                MemoryBudget budget = memory.Budget(limit);
                long held = 0;
                await Task.WhenAll(turns.Select(turn => Task.Run(() => RunAsync(turn.Item1, turn.Item1 + turn.Item2, turn.Item3)))).WaitAsync(TimeSpan.FromSeconds(30));
                Assert.Equal(0, held);

                async Task RunAsync(int needed, int wanted, int pause)
                {
                    using MemoryClaim claim = await budget.EnterAsync(null, 0, Tokens(needed), Tokens(wanted), CancellationToken.None);
                    int pages = needed;
                    Hold(pages + 1);
                    while (Tokens(pages + 1) <= claim.MostTokens)
                    {
                        await claim.GrowAsync(Tokens(++pages), CancellationToken.None);
                        Hold(1);
                        for (int i = 0; i < pause; i++)
                        {
                            await Task.Yield();
                        }
                    }

                    Hold(-pages - 1);
                }

                void Hold(int pieces) => Assert.InRange(Interlocked.Add(ref held, pieces), 0, limit);
            },
            iter: 40);

    /// <summary>The tokens of a sequence of as many pages.</summary>
    private static int Tokens(int pages) => CacheGeometry.SinkTokens + pages * CacheGeometry.PageTokens;

    private static void Serve(MemoryBudget budget, Memory memory)
    {
        lock (memory.Gate)
        {
            budget.ServeWaiters();
        }
    }

    private sealed class Memory : IRetainedMemory
    {
        private readonly ISequenceFactory _sequences = new ScriptedModel(_ => "").Sequences;
        private ConversationState? _pinned;

        public Lock Gate { get; } = new();

        public CachePart[] Written { get; set; } = [];

        public CachePart[] Pinned { get; set; } = [];

        public IEnumerable<CachePart> UnmovableParts => Written.Concat(Pinned);

        public IEnumerable<CachePart> PinnedParts => Pinned;

        public bool IsPinned(ConversationState state) => state == _pinned;

        public void LetGo(ConversationState state)
        {
        }

        public bool TryEvict() => false;

        public MemoryBudget Budget(int pieces) => new(pieces * Piece, _sequences, this);

        /// <summary>A state of one piece.</summary>
        public ConversationState State() => new(_sequences.Create(), new TokenLog(), new Dialogue([]), new PromptSettings(null, null, null), DateTimeOffset.UnixEpoch);

        /// <summary>A state of one piece, pinned.</summary>
        public ConversationState Pin()
        {
            _pinned = State();
            Pinned = [.. _pinned.Parts];
            return _pinned;
        }
    }
}
