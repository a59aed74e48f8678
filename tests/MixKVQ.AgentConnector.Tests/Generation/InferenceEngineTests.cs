using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Generation;

public sealed class InferenceEngineTests : IAsyncDisposable
{
    private readonly InferenceEngine _engine = new();

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    [Fact]
    public async Task Prefill_GoesInChunksThatEndAtPageBorders()
    {
        FakeSequence sequence = new("a");

        List<GeneratedToken> tokens = await Generate(sequence, Enumerable.Range(0, 300).ToArray(), maxOutputTokens: 3);

        Assert.Equal([160, 128, 12, 1, 1], sequence.Steps);
        Assert.Equal([false, false, true, true, true], sequence.WantedLogits);
        Assert.Equal([300, 301, 302], tokens.Select(token => token.Id));
    }

    [Fact]
    public async Task SecondTurn_ContinuesWithinThePage()
    {
        FakeSequence sequence = new("a");
        await Generate(sequence, Enumerable.Range(0, 100).ToArray(), maxOutputTokens: 1);

        await Generate(sequence, Enumerable.Range(100, 200).ToArray(), maxOutputTokens: 1);

        Assert.Equal([100, 60, 128, 12], sequence.Steps);
    }

    [Fact]
    public async Task LastToken_IsNotRead()
    {
        FakeSequence sequence = new("a");

        await Generate(sequence, [5], maxOutputTokens: 4);

        Assert.Equal([5, 6, 7, 8], sequence.Tokens);
    }

    [Fact]
    public async Task EndToken_EndsAndIsYielded()
    {
        List<GeneratedToken> tokens = await Generate(new FakeSequence("a"), [5], endTokens: [8, 9]);

        Assert.Equal([6, 7, 8], tokens.Select(token => token.Id));
        Assert.Equal([null, null, GenerationEnd.EndToken], tokens.Select(token => token.End));
    }

    [Fact]
    public async Task OutputLimit_Ends()
    {
        List<GeneratedToken> tokens = await Generate(new FakeSequence("a"), [5], maxOutputTokens: 2);

        Assert.Equal([null, GenerationEnd.OutputLimit], tokens.Select(token => token.End));
    }

    [Fact]
    public async Task ContextLimit_BoundsPromptAndOutput()
    {
        FakeSequence sequence = new("a");
        await Generate(sequence, [1, 2], maxOutputTokens: 1);

        List<GeneratedToken> tokens = await Generate(sequence, [3, 4, 5], maxContextTokens: 8);

        Assert.Equal([6, 7, 8], tokens.Select(token => token.Id));
        Assert.Equal(GenerationEnd.ContextLimit, tokens[^1].End);
        Assert.Equal(7, sequence.TokenCount);
    }

    [Fact]
    public async Task PromptThatFillsTheContext_IsRefusedBeforeItStarts()
    {
        FakeSequence sequence = new("a");

        ArgumentException exception = await Assert.ThrowsAsync<ArgumentException>(() => Generate(sequence, new int[64], maxContextTokens: 64));

        Assert.Contains("64 tokens leaves no room for output in a context of 64", exception.Message);
        Assert.Empty(sequence.Steps);
    }

    [Fact]
    public async Task InconsistentRequests_AreRefusedBeforeTheyStart()
    {
        FakeSequence sequence = new("a");
        await Generate(sequence, [1, 2], maxOutputTokens: 1);
        GenerationRequest valid = Request(sequence, [3]);
        GenerationRequest[] invalid =
        [
            valid with { PrefillTokens = default },
            valid with { PrefillTokens = new[] { 1000 } },
            valid with { PrefillTokens = new[] { -1 } },
            valid with { ContextTokens = default },
            valid with { ContextTokens = new[] { 1, 5000 } },
            valid with { MaxOutputTokens = 0 },
            valid with { Sampling = new() { TopP = 2 } },
        ];

        foreach (GenerationRequest request in invalid)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => Collect(request));
        }

        Assert.Single(sequence.Steps);
        Assert.NotEmpty(await Collect(valid));
    }

    [Fact]
    public async Task Statistics_CountAndTimeStepsAlone()
    {
        ManualTimeProvider time = new();
        await using InferenceEngine engine = new(time);
        FakeSequence sequence = new("a") { OnStep = () => time.Advance(TimeSpan.FromMilliseconds(10)) };

        List<GeneratedToken> tokens = [];
        await foreach (GeneratedToken token in engine.GenerateAsync(Request(sequence, new int[200], maxOutputTokens: 3), TestContext.Current.CancellationToken))
        {
            time.Advance(TimeSpan.FromSeconds(1));
            tokens.Add(token);
        }

        Assert.Equal(new GenerationStatistics(200, 1, TimeSpan.FromMilliseconds(20), TimeSpan.Zero), tokens[0].Statistics);
        Assert.Equal(new GenerationStatistics(200, 3, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20)), tokens[2].Statistics);
        Assert.Equal(100, tokens[2].Statistics.DecodedTokensPerSecond, 6);
        Assert.Equal(0, tokens[0].Statistics.DecodedTokensPerSecond);
    }

    [Fact]
    public async Task SameSeed_GivesTheSameTokens_WhateverElseRuns()
    {
        SamplingOptions sampling = new() { Seed = 11, TopP = 0.9f };
        List<GeneratedToken> alone = await Collect(Request(RandomSequence("a"), [1, 2], maxOutputTokens: 50, sampling: sampling));

        List<GeneratedToken>[] together = await Task.WhenAll(
            Collect(Request(RandomSequence("b"), [1, 2], maxOutputTokens: 50, sampling: sampling)),
            Collect(Request(RandomSequence("c"), [1, 2], maxOutputTokens: 50, sampling: sampling with { Seed = 12 })),
            Collect(Request(RandomSequence("d"), [1, 2], maxOutputTokens: 50, sampling: sampling)));

        Assert.Equal(alone.Select(token => token.Id), together[0].Select(token => token.Id));
        Assert.NotEqual(alone.Select(token => token.Id), together[1].Select(token => token.Id));
        Assert.Equal(alone.Select(token => token.Id), together[2].Select(token => token.Id));
    }

    [Fact]
    public async Task RepetitionPenalty_CountsTheTokensReadBefore()
    {
        FakeSequence sequence = new("a")
        {
            VocabularySize = 6,
            Logits = (_, logits) => new float[] { 1, 6, 5, 4, 2, 3 }.CopyTo(logits),
        };
        await Generate(sequence, [1], maxOutputTokens: 1);

        List<GeneratedToken> tokens = await Collect(
            Request(sequence, [2], maxOutputTokens: 2, sampling: new() { Temperature = 0, RepetitionPenalty = 100 }));

        Assert.Equal([3, 5], tokens.Select(token => token.Id));
    }

    [Fact]
    public async Task AllSteps_RunOnOneThread()
    {
        FakeSequence[] sequences = [.. Enumerable.Range(0, 8).Select(i => new FakeSequence($"{i}"))];

        await Task.WhenAll(sequences.Select(sequence => Generate(sequence, new int[300], maxOutputTokens: 20)));

        Assert.Single(sequences.SelectMany(sequence => sequence.ThreadIds).Distinct());
        Assert.All(sequences, sequence => Assert.Equal(319, sequence.TokenCount));
    }

    private static FakeSequence RandomSequence(string name) => new(name)
    {
        VocabularySize = 300,
        Logits = (tokens, logits) =>
        {
            Random random = new(tokens[^1]);
            for (int id = 0; id < logits.Length; id++)
            {
                logits[id] = random.NextSingle() * 6;
            }
        },
    };

    private static GenerationRequest Request(
        FakeSequence sequence, int[] prefill, int maxOutputTokens = 100, int[]? endTokens = null, int maxContextTokens = 4096, SamplingOptions? sampling = null) =>
        new(sequence, prefill, sequence.Tokens.ToArray(), sampling ?? SamplingOptions.Greedy, maxOutputTokens, endTokens ?? [], maxContextTokens);

    private Task<List<GeneratedToken>> Generate(
        FakeSequence sequence, int[] prefill, int maxOutputTokens = 100, int[]? endTokens = null, int maxContextTokens = 4096) =>
        Collect(Request(sequence, prefill, maxOutputTokens, endTokens, maxContextTokens));

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
