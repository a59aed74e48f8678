using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>Several generations on one engine: turns, cancellation, failure and disposal.</summary>
public sealed class ConcurrentGenerationTests
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> _log = new();

    [Fact]
    public async Task Generations_AdvanceInTurn()
    {
        await using InferenceEngine engine = new();
        using StepGate gate = new();
        FakeSequence first = new("a", _log) { OnStep = gate.Pass };
        FakeSequence second = new("b", _log) { OnStep = gate.Pass };

        // The first is inside its first chunk while the second queues.
        Task<List<GeneratedToken>> a = Collect(engine, first, new int[160 + 128 + 128 + 1], 1);
        await gate.Reached();
        Task<List<GeneratedToken>> b = Collect(engine, second, new int[160 + 128 + 1], 1);
        gate.Open();
        await Task.WhenAll(a, b).WaitAsync(HangLimit, TestContext.Current.CancellationToken);

        Assert.Equal("abababa", string.Concat(_log));
    }

    [Fact]
    public async Task Newcomer_WaitsForOneStepOfEachOther()
    {
        await using InferenceEngine engine = new();
        using StepGate gate = new();
        FakeSequence[] others = [.. Enumerable.Range(0, 3).Select(i => new FakeSequence($"{i}", _log) { OnStep = gate.Pass })];
        FakeSequence newcomer = new("n", _log);

        // All three have several chunks before them: each takes its next turn without waiting for its consumer.
        Task[] running = [.. others.Select(sequence => Collect(engine, sequence, new int[1000], 1))];
        await gate.Reached();
        Task late = Collect(engine, newcomer, [1], 1);
        gate.Open();
        await Task.WhenAll([.. running, late]).WaitAsync(HangLimit, TestContext.Current.CancellationToken);

        Assert.InRange(Array.IndexOf([.. _log], "n"), 1, 3);
    }

    [Fact]
    public async Task SlowConsumer_HoldsUpNobody()
    {
        await using InferenceEngine engine = new();
        FakeSequence slow = new("s");
        await using IAsyncEnumerator<GeneratedToken> paused = Start(engine, slow, [1], 100);
        Assert.True(await paused.MoveNextAsync());

        List<GeneratedToken> tokens = await Collect(engine, new FakeSequence("b"), [1], 50);

        // Nothing runs ahead of the consumer: its token is not read before it asks for another.
        Assert.Equal(50, tokens.Count);
        Assert.Equal([1], slow.Tokens);
        Assert.True(await paused.MoveNextAsync());
        Assert.Equal([1, 2], slow.Tokens);
    }

    [Fact]
    public async Task CancelledGeneration_StopsBetweenSteps_AndOthersGoOn()
    {
        await using InferenceEngine engine = new();
        using StepGate gate = new();
        using CancellationTokenSource cancellation = new();
        FakeSequence cancelled = new("a") { OnStep = gate.Pass };

        Task<List<GeneratedToken>> a = Collect(engine, cancelled, new int[1000], 10, cancellation.Token);
        await gate.Reached();
        Task<List<GeneratedToken>> b = Collect(engine, new FakeSequence("b"), new int[1000], 10);
        await cancellation.CancelAsync();
        gate.Open();

        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => a);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.Equal([160], cancelled.Steps);
        Assert.Equal(10, (await b).Count);
    }

    [Fact]
    public async Task CancelledBeforeItStarts_ReadsNothing()
    {
        await using InferenceEngine engine = new();
        FakeSequence sequence = new("a");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Collect(engine, sequence, [1], 10, new CancellationToken(true)));

        Assert.Empty(sequence.Steps);
    }

    [Fact]
    public async Task FailedGeneration_FailsItsCallerOnly()
    {
        await using InferenceEngine engine = new();
        FakeSequence broken = new("a") { Logits = (tokens, logits) => logits.Fill(tokens.Count > 3 ? float.NaN : 0) };

        Task<List<GeneratedToken>> a = Collect(engine, broken, [1], 10);
        Task<List<GeneratedToken>> b = Collect(engine, new FakeSequence("b"), [1], 10);
        Task<List<GeneratedToken>> c = Collect(engine, new FakeSequence("c") { OnStep = () => throw new TimeZoneNotFoundException() }, [1], 10);

        await Assert.ThrowsAsync<InvalidDataException>(() => a);
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => c);
        Assert.Equal(10, (await b).Count);
        Assert.Equal(10, (await Collect(engine, new FakeSequence("d"), [1], 10)).Count);
    }

    [Fact]
    public async Task DisposedEnumerator_LeavesTheSequenceToItsOwner()
    {
        await using InferenceEngine engine = new();
        for (int round = 0; round < 50; round++)
        {
            FakeSequence sequence = new("a");
            await foreach (GeneratedToken token in engine.GenerateAsync(Request(sequence, [1], 100), TestContext.Current.CancellationToken))
            {
                if (token.Statistics.GeneratedTokenCount == 1 + (round % 5))
                {
                    break;
                }
            }

            // The fake fails on use by two threads; every token but the last was read, and none after it.
            int read = sequence.TokenCount;
            Assert.Equal(1 + (round % 5), read);
            sequence.Append(new[] { 0 }, []);
        }

        Assert.Equal(10, (await Collect(engine, new FakeSequence("b"), [1], 10)).Count);
    }

    [Fact]
    public async Task DisposedEngine_CancelsWhatRunsAndWhatComes()
    {
        InferenceEngine engine = new();
        using StepGate gate = new();
        FakeSequence running = new("a") { OnStep = gate.Pass };
        await using IAsyncEnumerator<GeneratedToken> paused = Start(engine, new FakeSequence("p"), [1], 100);
        Assert.True(await paused.MoveNextAsync());
        Task<List<GeneratedToken>> a = Collect(engine, running, new int[1000], 10);
        await gate.Reached();
        FakeSequence waiting = new("b");
        Task<List<GeneratedToken>> b = Collect(engine, waiting, new int[1000], 10);

        Task disposal = engine.DisposeAsync().AsTask();
        Assert.False(disposal.IsCompleted);
        gate.Open();
        await disposal.WaitAsync(HangLimit, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<OperationCanceledException>(() => a);
        await Assert.ThrowsAsync<OperationCanceledException>(() => b);
        await Assert.ThrowsAsync<OperationCanceledException>(() => paused.MoveNextAsync().AsTask());
        await Assert.ThrowsAsync<OperationCanceledException>(() => Collect(engine, new FakeSequence("c"), [1], 10));
        Assert.Equal([160], running.Steps);
        Assert.Empty(waiting.Steps);
        await engine.DisposeAsync();
    }

    private static GenerationRequest Request(FakeSequence sequence, int[] prefill, int maxOutputTokens) =>
        new(sequence, prefill, sequence.Tokens.ToArray(), SamplingOptions.Greedy, maxOutputTokens, [], 4096);

    private static IAsyncEnumerator<GeneratedToken> Start(InferenceEngine engine, FakeSequence sequence, int[] prefill, int maxOutputTokens) =>
        engine.GenerateAsync(Request(sequence, prefill, maxOutputTokens), TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

    private static async Task<List<GeneratedToken>> Collect(
        InferenceEngine engine, FakeSequence sequence, int[] prefill, int maxOutputTokens, CancellationToken? cancellation = null)
    {
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in engine.GenerateAsync(Request(sequence, prefill, maxOutputTokens), cancellation ?? TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
        }

        return tokens;
    }
}
