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

    private sealed class Memory : IRetainedMemory
    {
        public Lock Gate { get; } = new();

        public IEnumerable<CachePart> UnmovableParts => [];

        public bool TryEvict() => false;

        public MemoryBudget Budget(int pieces) => new(pieces * Piece, new ScriptedModel(_ => "").Sequences, this);
    }
}
