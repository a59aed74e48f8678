using CsCheck;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Sampling;

public class TokenSamplerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(4099)]
    public void Greedy_TakesTheLowestIdAmongEquals(int vocabularySize)
    {
        float[] logits = new float[vocabularySize];
        Array.Fill(logits, -3);
        for (int first = vocabularySize - 1; first >= 0; first -= Math.Max(1, vocabularySize / 5))
        {
            // Every place from `first` on that is set holds the same highest value.
            logits[first] = 2.5f;

            Assert.Equal(first, new TokenSampler(SamplingOptions.Greedy).Sample(logits));
        }
    }

    [Fact]
    public void SameSeed_GivesTheSameTokens_AnotherSeedOthers()
    {
        int[] first = Draw(new() { Seed = 7, TopP = 0.9f }, 200);

        Assert.Equal(first, Draw(new() { Seed = 7, TopP = 0.9f }, 200));
        Assert.NotEqual(first, Draw(new() { Seed = 8, TopP = 0.9f }, 200));
        Assert.NotEqual(Draw(new(), 200), Draw(new(), 200));
    }

    [Theory]
    [InlineData(1f, 0, 1f, 0f)]
    [InlineData(0.6f, 0, 1f, 0f)]
    [InlineData(2f, 20, 1f, 0f)]
    [InlineData(1f, 0, 0.7f, 0f)]
    [InlineData(1f, 12, 0.8f, 0f)]
    [InlineData(1.5f, 0, 1f, 0.1f)]
    [InlineData(1.5f, 30, 0.95f, 0.05f)]
    [InlineData(1.5f, 0, 0.95f, 0.05f)]
    public void Draws_FollowTheFilteredDistribution(float temperature, int topK, float topP, float minP)
    {
        const int DrawCount = 40_000;
        SamplingOptions options = new() { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP, Seed = 1234 };
        float[] logits = RandomLogits(60, seed: 5, spread: 2);
        double[] expected = NaiveSampling.Probabilities(logits, options);
        TokenSampler sampler = new(options);

        int[] counts = new int[logits.Length];
        for (int i = 0; i < DrawCount; i++)
        {
            counts[sampler.Sample((float[])logits.Clone())]++;
        }

        // Pearson's chi-square: its mean is the degrees of freedom f, its variance 2f.
        int freedom = expected.Count(p => p > 0) - 1;
        double chiSquare = 0;
        for (int id = 0; id < counts.Length; id++)
        {
            if (expected[id] == 0)
            {
                Assert.Equal(0, counts[id]);
                continue;
            }

            double difference = counts[id] - (DrawCount * expected[id]);
            chiSquare += difference * difference / (DrawCount * expected[id]);
        }

        Assert.InRange(chiSquare, 0, freedom + (4 * Math.Sqrt(2 * freedom)));
    }

    [Fact]
    public void Filters_KeepWhatSortingTheVocabularyKeeps()
    {
        // Dyadic shares and coarse logits meet ties; a low temperature spreads the scores over all of the cuts.
        Gen<(int Size, uint Seed, int TopK, int TopP, int MinP, int Temperature)> cases =
            Gen.Select(Gen.Int[1, 3000], Gen.UInt, Gen.Int[0, 80], Gen.Int[0, 20], Gen.Int[0, 10], Gen.Int[1, 300]);
        cases.Sample(
            c =>
            {
                SamplingOptions options = new()
                {
                    Temperature = c.Temperature / 100f,
                    TopK = Math.Min(c.TopK, c.Size),
                    TopP = c.TopP / 20f,
                    MinP = c.MinP / 20f,
                    Seed = c.Seed,
                };
                float[] logits = RandomLogits(c.Size, (int)(c.Seed >> 1), spread: 6);
                double[] expected = NaiveSampling.Probabilities(logits, options);
                TokenSampler sampler = new(options);
                for (int i = 0; i < 20; i++)
                {
                    int token = sampler.Sample((float[])logits.Clone());
                    if (expected[token] <= 0)
                    {
                        // Only where single precision may decide a border otherwise.
                        Assert.InRange(BorderDistance(logits, options, token), 0, 1e-5);
                    }
                }
            },
            iter: 300);
    }

    [Fact]
    public void TopK_AmongEqualsKeepsTheLowestIds()
    {
        TokenSampler sampler = new(new() { TopK = 3, Seed = 1 });
        HashSet<int> drawn = [];

        for (int i = 0; i < 200; i++)
        {
            drawn.Add(sampler.Sample(new float[5000]));
        }

        Assert.Equal([0, 1, 2], drawn.Order());
    }

    [Fact]
    public void TopP_KeepsTheFewestTokensThatReachIt()
    {
        // Probabilities 1/2, 1/4, 1/8, 1/8.
        float[] logits = [MathF.Log(1), MathF.Log(4), MathF.Log(2), MathF.Log(1)];

        Assert.Equal([1], DrawnIds(logits, new() { TopP = 0 }));
        Assert.Equal([1], DrawnIds(logits, new() { TopP = 0.49f }));
        Assert.Equal([1, 2], DrawnIds(logits, new() { TopP = 0.51f }));
        Assert.Equal([0, 1, 2], DrawnIds(logits, new() { TopP = 0.8f }));
        Assert.Equal([0, 1, 2, 3], DrawnIds(logits, new() { TopP = 0.9f }));
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(-9)]
    public void TopP_ReachesManyTokensFarBelowTheBest(float distance)
    {
        // The best token has a probability of at most 1/7: nearly all of the nucleus lies `distance` below it.
        float[] logits = new float[50_000];
        Array.Fill(logits, distance);
        logits[777] = 0;
        double rest = 49_999 * Math.Exp(distance);
        double share = (0.95 * (1 + rest)) - 1;

        int[] drawn = DrawnIds(logits, new() { TopP = 0.95f });

        Assert.InRange(drawn.Length, 300, 500);
        Assert.InRange(drawn[^1], 30_000, (share / Math.Exp(distance)) + 2);
    }

    [Fact]
    public void MinP_KeepsTokensThatFarBelowTheBest()
    {
        float[] logits = [0, MathF.Log(0.5f), MathF.Log(0.25f), MathF.Log(0.1f)];

        Assert.Equal([0], DrawnIds(logits, new() { MinP = 1 }));
        Assert.Equal([0, 1], DrawnIds(logits, new() { MinP = 0.45f }));
        Assert.Equal([0, 1, 2], DrawnIds(logits, new() { MinP = 0.2f }));
        Assert.Equal([0, 1, 2, 3], DrawnIds(logits, new() { MinP = 0.05f }));
    }

    [Fact]
    public void ForbiddenTokens_AreNeverDrawn()
    {
        float[] logits = new float[2000];
        Array.Fill(logits, float.NegativeInfinity);
        logits[1500] = 0;
        logits[3] = -1;

        Assert.Equal([3, 1500], DrawnIds(logits, new()));
        Assert.Equal([3, 1500], DrawnIds(logits, new() { TopK = 50 }));
        Assert.Equal([3, 1500], DrawnIds(logits, new() { TopP = 0.999f }));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void LogitsThatAreNotFinite_AreRefused(float bad)
    {
        float[] logits = RandomLogits(100, 1, 1);
        logits[61] = bad;

        Assert.Throws<InvalidDataException>(() => new TokenSampler(SamplingOptions.Greedy).Sample((float[])logits.Clone()));
        Assert.Throws<InvalidDataException>(() => new TokenSampler(new()).Sample(logits));
        Assert.Throws<InvalidDataException>(() => new TokenSampler(new()).Sample([float.NegativeInfinity]));
        Assert.Throws<InvalidDataException>(() => new TokenSampler(new()).Sample([]));
    }

    [Fact]
    public void OptionsOutOfRange_AreAllNamed()
    {
        SamplingOptions options = new() { Temperature = float.NaN, TopK = -1, TopP = 1.5f, MinP = -0.1f, RepetitionPenalty = 0 };

        ArgumentException exception = Assert.Throws<ArgumentException>(() => new TokenSampler(options));

        Assert.All(["Temperature is NaN", "TopK is -1", "TopP is 1.5", "MinP is -0.1", "RepetitionPenalty is 0"], part => Assert.Contains(part, exception.Message));
    }

    [Fact]
    public void SampledTokens_CountAsOutput()
    {
        TokenSampler sampler = new(new() { Temperature = 0, FrequencyPenalty = 1 });

        int[] tokens = [.. Enumerable.Range(0, 5).Select(_ => sampler.Sample([3, 2.5f, 0]))];

        // 3 | 2 against 2.5 | 2 against 1.5 | 1 against 1.5 | 1 against 0.5
        Assert.Equal([0, 1, 0, 1, 0], tokens);
    }

    private static int[] Draw(SamplingOptions options, int count)
    {
        TokenSampler sampler = new(options);
        return [.. Enumerable.Range(0, count).Select(i => sampler.Sample(RandomLogits(500, i, 2)))];
    }

    private static int[] DrawnIds(float[] logits, SamplingOptions options)
    {
        TokenSampler sampler = new(options with { Seed = 3 });
        return [.. Enumerable.Range(0, 500).Select(_ => sampler.Sample((float[])logits.Clone())).Distinct().Order()];
    }

    private static float[] RandomLogits(int count, int seed, float spread)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => MathF.Round(random.NextSingle() * spread * 16) / 8)];
    }

    /// <summary>How far the share of the tokens better than this one lies from top-p, or its ratio to the best from min-p.</summary>
    private static double BorderDistance(float[] logits, SamplingOptions options, int token)
    {
        double[] all = NaiveSampling.Probabilities(logits, options with { TopP = 1, MinP = 0 });
        Assert.NotEqual(0, all[token]);
        double better = all.Where((p, id) => p > all[token] || (p == all[token] && id < token)).Sum();
        return Math.Min(
            options.TopP < 1 ? Math.Abs(better - options.TopP) : double.PositiveInfinity,
            options.MinP > 0 ? Math.Abs((all[token] / all.Max()) - options.MinP) : double.PositiveInfinity);
    }
}
