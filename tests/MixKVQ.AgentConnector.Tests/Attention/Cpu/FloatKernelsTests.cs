using CsCheck;
using MixKVQ.AgentConnector.Attention.Cpu;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed unsafe class FloatKernelsTests
{
    [Fact]
    public void Supported_HoldsTheBestFirstAndThePortableLast()
    {
        Assert.Same(FloatKernels.Supported[0], FloatKernels.Best);
        Assert.Equal(8, FloatKernels.Supported[^1].PanelWidth);
        Assert.Equal(FloatKernels.Supported.Select(kernels => kernels.PanelWidth).OrderDescending(), FloatKernels.Supported.Select(kernels => kernels.PanelWidth));
    }

    [Fact]
    public void Weigh_GivesThePowersOfEDownFromTheLargest()
    {
        Gen.Float[-60, 60].Array[64].Sample(
            logits =>
            {
                foreach (FloatKernels kernels in FloatKernels.Supported)
                {
                    float[] weights = [.. logits];
                    float largest = logits[5] + 1;
                    float sum;
                    fixed (float* row = weights)
                    {
                        sum = kernels.Weigh(row, weights.Length, ref largest);
                    }

                    Assert.Equal(Math.Max(logits.Max(), logits[5] + 1), largest);
                    double[] expected = [.. logits.Select(logit => Math.Exp(Math.Max((double)logit - largest, -86)))];
                    Assert.All(expected.Zip(weights), pair => Assert.InRange(pair.Second / pair.First, 1 - 1e-5, 1 + 1e-5));
                    Assert.Equal(1, sum / expected.Sum(), 1e-6);
                }
            },
            iter: 100);
    }

    [Fact]
    public void Weigh_OfATokenThatIsHidden_GivesNothing()
    {
        foreach (FloatKernels kernels in FloatKernels.Supported)
        {
            float[] logits = [.. Enumerable.Repeat(float.NegativeInfinity, 32)];
            float largest = float.NegativeInfinity;
            fixed (float* row = logits)
            {
                Assert.Equal(0, kernels.Weigh(row, 32, ref largest));
                Assert.Equal(new float[32], logits);
                Assert.Equal(float.NegativeInfinity, largest);
                logits.AsSpan().Fill(float.NegativeInfinity);
                logits[3] = -200;
                Assert.Equal(1, kernels.Weigh(row, 32, ref largest));
            }

            Assert.Equal(-200, largest);
            Assert.All(logits.Index(), item => Assert.Equal(item.Index == 3 ? 1 : 0, item.Item, 1e-30f));
        }
    }

    [Fact]
    public void Weigh_OfWhatIsNoNumber_GivesNoNumber()
    {
        foreach (FloatKernels kernels in FloatKernels.Supported)
        {
            for (int place = 0; place < 32; place++)
            {
                float[] logits = new float[32];
                logits[place] = float.NaN;
                float largest = float.NegativeInfinity;
                fixed (float* row = logits)
                {
                    Assert.Equal(float.NaN, kernels.Weigh(row, 32, ref largest));
                }
            }
        }
    }

    [Fact]
    public void ScaleAndWeightedSquares_TakeAnyLength()
    {
        Gen.Float[-4, 4].Array[1, 70].Sample(
            x =>
            {
                float[] weights = [.. x.Select(value => value / 3 + 2)];
                foreach (FloatKernels kernels in FloatKernels.Supported)
                {
                    float[] scaled = [.. x, 7];
                    fixed (float* row = scaled, by = weights)
                    {
                        Assert.Equal(x.Zip(weights).Sum(pair => (double)pair.First * pair.First * pair.Second), kernels.WeightedSquares(row, by, x.Length), 1e-3);
                        kernels.Scale(row, 3, x.Length);
                    }

                    Assert.Equal([.. x.Select(value => 3 * value), 7f], scaled);
                }
            },
            iter: 100);
    }
}
