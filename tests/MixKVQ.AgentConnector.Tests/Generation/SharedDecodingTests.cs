using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>Generations of one model that decode at the same time.</summary>
public sealed class SharedDecodingTests
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);
    private readonly FakeBatch _batch = new();

    [Fact]
    public async Task WaitingGenerations_ReadTheirTokensInOneRound()
    {
        await using InferenceEngine engine = new();
        using StepGate gate = new();
        await using IAsyncEnumerator<GeneratedToken> first = Start(engine, new FakeSequence("a") { Batch = _batch });
        await using IAsyncEnumerator<GeneratedToken> second = Start(engine, new FakeSequence("b") { Batch = _batch });
        await using IAsyncEnumerator<GeneratedToken> third = Start(engine, new FakeSequence("c") { Batch = _batch });
        await using IAsyncEnumerator<GeneratedToken> alone = Start(engine, new FakeSequence("d"));
        await MoveAll(first, second, third, alone);
        Task<List<GeneratedToken>> blocker = Collect(engine, new FakeSequence("e") { OnStep = gate.Pass }, [1], 1);
        await gate.Reached();

        Task moved = MoveAll(first, second, third, alone);
        gate.Open();
        await moved.WaitAsync(HangLimit, TestContext.Current.CancellationToken);
        await blocker;

        Assert.Equal([3], _batch.Rounds);
        Assert.Equal([3, 3, 3, 3], new[] { first, second, third, alone }.Select(generation => generation.Current.Id));
    }

    [Fact]
    public async Task GenerationsThatGoOn_StayTogether()
    {
        await using InferenceEngine engine = new();
        _batch.OnRound = () => Thread.Sleep(20);

        List<GeneratedToken>[] tokens = await Task.WhenAll(Enumerable.Range(0, 4).Select(i =>
            Collect(engine, new FakeSequence($"{i}") { Batch = _batch }, [10 * i], 40))).WaitAsync(HangLimit, TestContext.Current.CancellationToken);

        for (int i = 0; i < tokens.Length; i++)
        {
            Assert.Equal(Enumerable.Range((10 * i) + 1, 40), tokens[i].Select(token => token.Id));
        }

        Assert.Equal(4 * 39, _batch.Rounds.Sum());
        Assert.InRange(_batch.Rounds.Count, 39, 100);
    }

    [Fact]
    public async Task FailureOfOne_FailsItsCallerOnly()
    {
        await using InferenceEngine engine = new();
        FakeSequence broken = new("a") { Batch = _batch };
        FakeSequence unreadable = new("b") { Batch = _batch, Logits = (tokens, logits) => logits.Fill(tokens.Count > 3 ? float.NaN : 0) };
        broken.OnStep = () =>
        {
            if (broken.TokenCount > 5)
            {
                throw new TimeZoneNotFoundException();
            }
        };

        Task<List<GeneratedToken>> a = Collect(engine, broken, [1], 30);
        Task<List<GeneratedToken>> b = Collect(engine, unreadable, [1], 30);
        Task<List<GeneratedToken>> c = Collect(engine, new FakeSequence("c") { Batch = _batch }, [1], 30);

        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => a);
        await Assert.ThrowsAsync<InvalidDataException>(() => b);
        Assert.Equal(30, (await c).Count);
    }

    [Fact]
    public async Task FailureOfTheRound_FailsAllThatShareIt_AndTheEngineGoesOn()
    {
        await using InferenceEngine engine = new();
        _batch.OnRound = () => throw new InvalidTimeZoneException();

        Task<List<GeneratedToken>>[] sharing = [.. Enumerable.Range(0, 3).Select(i => Collect(engine, new FakeSequence($"{i}") { Batch = _batch }, [1], 5))];

        foreach (Task<List<GeneratedToken>> task in sharing)
        {
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => task);
        }

        Assert.Equal(5, (await Collect(engine, new FakeSequence("d"), [1], 5)).Count);
    }

    [Fact]
    public async Task CancelledGeneration_LeavesTheRoundBeforeItReads()
    {
        await using InferenceEngine engine = new();
        using StepGate gate = new();
        using CancellationTokenSource cancellation = new();
        FakeSequence cancelled = new("a") { Batch = _batch };
        await using IAsyncEnumerator<GeneratedToken> first = Start(engine, cancelled, cancellation.Token);
        await using IAsyncEnumerator<GeneratedToken> second = Start(engine, new FakeSequence("b") { Batch = _batch });
        await MoveAll(first, second);
        Task<List<GeneratedToken>> blocker = Collect(engine, new FakeSequence("e") { OnStep = gate.Pass }, [1], 1);
        await gate.Reached();

        Task<bool> moving = first.MoveNextAsync().AsTask();
        Task<bool> other = second.MoveNextAsync().AsTask();
        await cancellation.CancelAsync();
        gate.Open();

        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => moving);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(await other);
        Assert.Single(cancelled.Tokens);
        await blocker;
    }

    [Fact]
    public async Task MoreGenerationsThanARoundHolds_AllAdvance()
    {
        await using InferenceEngine engine = new();

        List<GeneratedToken>[] tokens = await Task.WhenAll(Enumerable.Range(0, 40).Select(i =>
            Collect(engine, new FakeSequence($"{i}") { Batch = _batch }, [i], 20))).WaitAsync(HangLimit, TestContext.Current.CancellationToken);

        Assert.All(tokens, list => Assert.Equal(20, list.Count));
        Assert.All(_batch.Rounds, count => Assert.InRange(count, 1, 16));
        Assert.Equal(40 * 19, _batch.Rounds.Sum());
    }

    private static async Task MoveAll(params IAsyncEnumerator<GeneratedToken>[] generations) =>
        Assert.All(await Task.WhenAll(generations.Select(generation => generation.MoveNextAsync().AsTask())), Assert.True);

    private static IAsyncEnumerator<GeneratedToken> Start(InferenceEngine engine, FakeSequence sequence, CancellationToken? cancellation = null) =>
        engine.GenerateAsync(new(sequence, new[] { 1 }, default, SamplingOptions.Greedy, 100, [], 4096), cancellation ?? TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(CancellationToken.None);

    private static async Task<List<GeneratedToken>> Collect(InferenceEngine engine, FakeSequence sequence, int[] prefill, int maxOutputTokens)
    {
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in engine.GenerateAsync(
            new(sequence, prefill, default, SamplingOptions.Greedy, maxOutputTokens, [], 4096), TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
        }

        return tokens;
    }
}
