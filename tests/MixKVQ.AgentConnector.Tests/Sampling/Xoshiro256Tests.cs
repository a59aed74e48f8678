using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Sampling;

public class Xoshiro256Tests
{
    [Fact]
    public void Seed_GivesTheNumbersOfTheDefinition()
    {
        // Computed with arbitrary-precision integers from the authors' definition, SplitMix64 from state 42.
        Xoshiro256 random = new(42);

        ulong[] numbers = [random.Next(), random.Next(), random.Next()];

        Assert.Equal([0x15780B2E0C2EC716, 0x6104D9866D113A7E, 0xAE17533239E499A1], numbers);
    }

    [Fact]
    public void NextDouble_StaysBelowOneAndIsEven()
    {
        Xoshiro256 random = new(-1);
        int[] counts = new int[10];

        for (int i = 0; i < 100_000; i++)
        {
            counts[(int)(random.NextDouble() * 10)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 9_600, 10_400));
    }
}
