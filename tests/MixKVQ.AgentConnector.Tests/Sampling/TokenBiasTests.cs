using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Sampling;

public sealed class TokenBiasTests
{
    [Fact]
    public void Biases_BanAndForceTokens()
    {
        Assert.Equal(1, new TokenSampler(SamplingOptions.Greedy with { Biases = [new(2, -100)] }).Sample([0, 20, 30]));
        Assert.Equal(0, new TokenSampler(SamplingOptions.Greedy with { Biases = [new(0, 100)] }).Sample([0, 20, 30]));
        var sampler = new TokenSampler(new SamplingOptions { Seed = 1, Biases = [new(1, -100)] });
        Assert.DoesNotContain(1, Enumerable.Range(0, 500).Select(_ => sampler.Sample([1, 3, 2])));
    }

    [Fact]
    public void Biases_AreAddedAfterPenalties()
    {
        // The penalty halves 6 to 3; a bias before it would give (6 + 2) / 2 = 4 and win.
        var sampler = new TokenSampler(SamplingOptions.Greedy with { RepetitionPenalty = 2, Biases = [new(0, 0.5f)] });
        sampler.AddPrompt([0]);
        Assert.Equal(1, sampler.Sample([6, 3.6f]));
        Assert.Equal(0, new TokenSampler(SamplingOptions.Greedy with { Biases = [new(0, 0.5f)] }).Sample([3.2f, 3.6f]));
    }

    [Fact]
    public void Guide_ComesAfterBiases()
    {
        var sampler = new TokenSampler(SamplingOptions.Greedy with { Biases = [new(0, 100)] }, guide: new OnlyToken(2));
        Assert.Equal(2, sampler.Sample([5, 6, 7]));
    }

    [Fact]
    public void Biases_CostNoMemoryPerToken()
    {
        var sampler = new TokenSampler(SamplingOptions.Greedy with { Biases = [.. Enumerable.Range(0, 50).Select(id => new TokenBias(id, id % 7))] });
        float[] logits = new float[1000];
        sampler.Sample(logits);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            sampler.Sample(logits);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void IdsOutsideTheVocabulary_DoNothing() =>
        Assert.Equal(1, new TokenSampler(SamplingOptions.Greedy with { Biases = [new(-1, 50), new(2, 50)] }).Sample([1, 2]));

    private sealed class OnlyToken(int token) : ITokenGuide
    {
        public void Restrict(Span<float> logits)
        {
            float kept = logits[token];
            logits.Fill(float.NegativeInfinity);
            logits[token] = kept;
        }

        public void Accept(int accepted) => Assert.Equal(token, accepted);
    }
}
