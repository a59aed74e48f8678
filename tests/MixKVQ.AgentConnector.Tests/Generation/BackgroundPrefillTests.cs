using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>What the engine reads ahead, between generations.</summary>
public sealed class BackgroundPrefillTests : IAsyncDisposable
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);
    private readonly InferenceEngine _engine = new();
    private readonly ConcurrentQueue<string> _log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    [Fact]
    public async Task Tokens_AreReadInChunksThatEndAtPageBorders_WithoutLogits()
    {
        FakeSequence sequence = new("a");
        await _engine.PrefillAsync(sequence, Enumerable.Range(0, 300).ToArray(), Cancellation);
        Assert.Equal([160, 128, 12], sequence.Steps);
        Assert.Equal(Enumerable.Range(0, 300), sequence.Tokens);
        Assert.DoesNotContain(true, sequence.WantedLogits);
    }

    [Fact]
    public async Task OpenGeneration_GoesFirst_WhetherOrNotItsConsumerWaits()
    {
        FakeSequence generated = new("g", _log);
        IAsyncEnumerator<GeneratedToken> open = Generate(generated, new int[300]).GetAsyncEnumerator(Cancellation);
        Assert.True(await open.MoveNextAsync());

        Task prefill = _engine.PrefillAsync(new FakeSequence("p", _log), new int[300], Cancellation);
        await open.MoveNextAsync();
        await open.MoveNextAsync();
        Assert.False(prefill.IsCompleted);
        await open.DisposeAsync();
        await prefill.WaitAsync(HangLimit, Cancellation);

        Assert.Equal("gggggppp", string.Concat(_log));
    }

    [Fact]
    public async Task NewGeneration_WaitsForTheChunkUnderWayOnly()
    {
        using StepGate gate = new();
        Task prefill = _engine.PrefillAsync(new FakeSequence("p", _log) { OnStep = gate.Pass }, new int[1000], Cancellation);
        await gate.Reached();
        Task generation = Collect(new FakeSequence("g", _log), new int[300]);
        gate.Open();
        await Task.WhenAll(prefill, generation).WaitAsync(HangLimit, Cancellation);
        Assert.StartsWith("pggggg" + "p", string.Concat(_log), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CancelledWhileItWaits_EndsAtOnceAndReadsNothing()
    {
        await using IAsyncEnumerator<GeneratedToken> open = Generate(new FakeSequence("g"), [1]).GetAsyncEnumerator(Cancellation);
        Assert.True(await open.MoveNextAsync());
        using CancellationTokenSource cancel = new();
        FakeSequence sequence = new("p");
        Task prefill = _engine.PrefillAsync(sequence, new int[300], cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => prefill.WaitAsync(HangLimit, Cancellation));
        Assert.Empty(sequence.Steps);
    }

    [Fact]
    public async Task CancelledInAChunk_EndsWithTheChunkRead()
    {
        using StepGate gate = new();
        using CancellationTokenSource cancel = new();
        FakeSequence sequence = new("p") { OnStep = gate.Pass };
        Task prefill = _engine.PrefillAsync(sequence, new int[1000], cancel.Token);
        await gate.Reached();
        await cancel.CancelAsync();
        Assert.False(prefill.IsCompleted);
        gate.Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => prefill.WaitAsync(HangLimit, Cancellation));
        Assert.Equal([160], sequence.Steps);
    }

    [Fact]
    public async Task FailedChunk_FailsItsPrefillOnly()
    {
        FakeSequence broken = new("p") { OnStep = () => throw new TimeZoneNotFoundException() };
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => _engine.PrefillAsync(broken, new int[1], Cancellation));
        await Collect(new FakeSequence("g"), [1]);
    }

    [Fact]
    public async Task DisposedEngine_EndsWhatWaits()
    {
        await using IAsyncEnumerator<GeneratedToken> open = Generate(new FakeSequence("g"), [1]).GetAsyncEnumerator(Cancellation);
        Assert.True(await open.MoveNextAsync());
        FakeSequence sequence = new("p");
        Task prefill = _engine.PrefillAsync(sequence, new int[1], Cancellation);
        await _engine.DisposeAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => prefill.WaitAsync(HangLimit, Cancellation));
        await Assert.ThrowsAsync<OperationCanceledException>(() => _engine.PrefillAsync(sequence, new int[1], Cancellation));
        Assert.Empty(sequence.Steps);
    }

    private IAsyncEnumerable<GeneratedToken> Generate(FakeSequence sequence, int[] prefill) =>
        _engine.GenerateAsync(new GenerationRequest(sequence, prefill, sequence.Tokens.ToArray(), SamplingOptions.Greedy, 3, [], 4096), Cancellation);

    private async Task Collect(FakeSequence sequence, int[] prefill)
    {
        await foreach (GeneratedToken _ in Generate(sequence, prefill))
        {
        }
    }
}
