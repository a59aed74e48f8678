using CsCheck;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Sampling;

public sealed class LikelihoodTests
{
    [Fact]
    public void Likelihood_IsTheSoftmaxOfTheModelsOwnLogits() =>
        Gen.Select(Gen.Int[1, 3000], Gen.Int[0, 20], Gen.Int[0, 1000], Gen.Int[0, 2].Select(i => new[] { 0.1f, 3f, 60f }[i]), Gen.Int[-1, 1].Select(i => 5000f * i)).Sample((size, count, seed, spread, shift) =>
        {
            var random = new Random(seed);
            float[] logits = [.. Enumerable.Range(0, size).Select(_ => shift + (spread * ((2 * random.NextSingle()) - 1)))];
            double highest = logits.Max();
            double logTotal = highest + Math.Log(logits.Sum(logit => Math.Exp(logit - highest)));
            var options = new SamplingOptions { Temperature = 0.7f, TopK = 3, RepetitionPenalty = 1.5f, Biases = [new(0, 7)], Seed = seed, ReportedAlternatives = count };
            var sampler = new TokenSampler(options);
            sampler.AddPrompt([0, size - 1]);

            int token = sampler.Sample([.. logits]);
            TokenLikelihood likelihood = sampler.LastLikelihood!;

            // Floats of this size differ by that much from one to the next.
            double tolerance = 1e-5 + Math.Abs(shift) * 2e-7;
            Assert.Equal(logits[token] - logTotal, likelihood.LogProbability, tolerance);
            int[] best = [.. Enumerable.Range(0, size).OrderByDescending(id => logits[id]).ThenBy(id => id).Take(count)];
            Assert.Equal(best, likelihood.Alternatives.Select(alternative => alternative.TokenId));
            Assert.All(likelihood.Alternatives, alternative => Assert.Equal(logits[alternative.TokenId] - logTotal, alternative.LogProbability, tolerance));
        });

    [Fact]
    public void Likelihood_OfAnImprobableTokenStaysFinite()
    {
        var sampler = new TokenSampler(SamplingOptions.Greedy with { ReportedAlternatives = 1, Biases = [new(1, 100)] });
        Assert.Equal(1, sampler.Sample([0, -90, -200]));
        Assert.Equal(-90, sampler.LastLikelihood!.LogProbability, 1e-4);
        Assert.Equal([(0, 0f)], sampler.LastLikelihood.Alternatives);
    }

    [Fact]
    public void Likelihood_IsNotMadeUnlessAskedFor()
    {
        var sampler = new TokenSampler(SamplingOptions.Greedy);
        sampler.Sample([1, 2]);
        Assert.Null(sampler.LastLikelihood);
    }

    [Fact]
    public void Report_DoesNotChangeTheChoice() =>
        Gen.Select(Gen.Int[1, 500], Gen.Int[0, 1000]).Sample((size, seed) =>
        {
            var random = new Random(seed);
            float[] logits = [.. Enumerable.Range(0, size).Select(_ => 4 * random.NextSingle())];
            var options = new SamplingOptions { Seed = seed, TopP = 0.9f, Temperature = 1.2f };
            var plain = new TokenSampler(options);
            var reporting = new TokenSampler(options with { ReportedAlternatives = 5 });
            for (int i = 0; i < 5; i++)
            {
                Assert.Equal(plain.Sample([.. logits]), reporting.Sample([.. logits]));
            }
        });
}
