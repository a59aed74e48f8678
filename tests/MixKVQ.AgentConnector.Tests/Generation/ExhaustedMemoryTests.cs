using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tests.Native;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>Steps that fail because memory is exhausted.</summary>
public sealed class ExhaustedMemoryTests : IAsyncDisposable
{
    private readonly InferenceEngine _engine = new();
    private readonly FakeRelief _relief = new();

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 150)]
    [InlineData(3, 290)]
    [InlineData(4, 300)]
    [InlineData(9, 300)]
    [InlineData(30, 145)]
    public async Task AStepThatFailsOnce_IsTriedAgainAndTheGenerationSaysTheSame(int failingStep, int promptTokens)
    {
        FakeSequence sequence = Failing(step => step == failingStep);
        List<GeneratedToken> tokens = await Generate(sequence, promptTokens, 40);
        Assert.Equal(Enumerable.Range(promptTokens, 40), tokens.Select(token => token.Id));
        Assert.Equal(Enumerable.Range(0, promptTokens + 39), sequence.Tokens);
        Assert.Equal(1, _relief.Rooms);
        Assert.Equal(40, tokens[^1].Statistics.GeneratedTokenCount);
    }

    [Fact]
    public async Task WhatASequenceHeldBefore_IsReadAgainWhereItIsLost()
    {
        FakeSequence sequence = Failing(step => step == 3);
        sequence.Append(Enumerable.Range(0, 100).ToArray(), []);
        GenerationRequest request = Request(sequence, [100, 101], 5) with { ContextTokens = Enumerable.Range(0, 100).ToArray() };
        Assert.Equal(Enumerable.Range(102, 5), (await Collect(request)).Select(token => token.Id));
        Assert.Equal([100, 2, 71, 1, 1, 1], sequence.Steps);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AGenerationWhoseStepsFailAgain_IsRefused(bool atOnce)
    {
        FakeSequence sequence = Failing(step => step == 5 || step == (atOnce ? 6 : 20));
        InsufficientMemoryException refusal = await Assert.ThrowsAsync<InsufficientMemoryException>(() => Generate(sequence, 50, 40));
        Assert.IsType<TorchFailure>(refusal.InnerException);
        Assert.Equal(1, _relief.Rooms);
    }

    [Fact]
    public async Task OtherFailures_AndThoseOfARequestWithoutRelief_ReachTheCaller()
    {
        FakeSequence broken = new("a") { OnStep = () => throw new TorchFailure("The sizes differ.") };
        await Assert.ThrowsAsync<TorchFailure>(() => Generate(broken, 5, 5));
        GenerationRequest request = Request(Failing(_ => true), [1], 5) with { Relief = null };
        await Assert.ThrowsAsync<TorchFailure>(() => Collect(request));
        Assert.Equal(0, _relief.Rooms);
    }

    [Fact]
    public async Task ARoundThatFailsOnce_IsTriedAgainByAllOfIt()
    {
        int rounds = 0;
        FakeBatch batch = new();
        batch.OnRound = () =>
        {
            Thread.Sleep(10);
            if (++rounds == 4)
            {
                throw TorchFailure.Exhausted;
            }
        };
        List<GeneratedToken>[] tokens = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Generate(new FakeSequence("a") { Batch = batch }, 40, 20)));
        Assert.All(tokens, generated => Assert.Equal(Enumerable.Range(40, 20), generated.Select(token => token.Id)));
        Assert.InRange(_relief.Rooms, 1, 3);
    }

    private static FakeSequence Failing(Func<int, bool> fails)
    {
        int steps = 0;
        return new FakeSequence("a")
        {
            OnStep = () =>
            {
                if (fails(++steps))
                {
                    throw TorchFailure.Exhausted;
                }
            },
        };
    }

    private GenerationRequest Request(FakeSequence sequence, int[] prompt, int maxOutputTokens) =>
        new(sequence, prompt, ReadOnlyMemory<int>.Empty, SamplingOptions.Greedy, maxOutputTokens, [], 1000) { Relief = _relief };

    private Task<List<GeneratedToken>> Generate(FakeSequence sequence, int promptTokens, int maxOutputTokens) =>
        Collect(Request(sequence, [.. Enumerable.Range(0, promptTokens)], maxOutputTokens));

    private async Task<List<GeneratedToken>> Collect(GenerationRequest request)
    {
        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in _engine.GenerateAsync(request, TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
        }

        return tokens;
    }
}
