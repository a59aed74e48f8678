using MixKVQ.AgentConnector.Models.Cpu;

namespace MixKVQ.AgentConnector.Tests.Models.Cpu;

/// <summary>Every width of vectors that this machine has, against float64; sizes leave ragged tails.</summary>
public sealed unsafe class ProductKernelTests(ITestOutputHelper output)
{
    public static TheoryData<int, int, int> Cases { get; } = new()
    {
        { 1, 1, 1 },
        { 3, 5, 2 },
        { 4, 16, 4 },
        { 7, 37, 3 },
        { 9, 64, 7 },
        { 22, 130, 9 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Products_AgreeWithFloat64InEveryFormatAndWidth(int rows, int inputs, int vectors)
    {
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            (byte[] weights, double[] values) = RandomWeights.Of(format, rows * inputs, seed: rows);
            float[] x = RandomWeights.Floats(vectors * inputs, seed: inputs);
            foreach (ProductKernel kernel in ProductKernel.OfAllWidths(format))
            {
                float[] y = Multiply(kernel, weights, rows, inputs, x, vectors);
                double worst = 0;
                for (int i = 0; i < y.Length; i++)
                {
                    (int vector, int row) = Math.DivRem(i, rows);
                    (double expected, double size) = (0, 1);
                    for (int k = 0; k < inputs; k++)
                    {
                        double product = values[(row * inputs) + k] * x[(vector * inputs) + k];
                        expected += product;
                        size += Math.Abs(product);
                    }

                    worst = Math.Max(worst, Math.Abs(y[i] - expected) / size);
                }

                output.WriteLine($"{format}, {kernel.GetType().GenericTypeArguments[1].Name}: {worst:e2}");
                Assert.InRange(worst, 0, 1e-6);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Products_HaveTheSameBitsWhateverIsTakenTogether(int rows, int inputs, int vectors)
    {
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            (byte[] weights, _) = RandomWeights.Of(format, rows * inputs, seed: rows);
            int rowBytes = weights.Length / rows;
            float[] x = RandomWeights.Floats(vectors * inputs, seed: inputs);
            foreach (ProductKernel kernel in ProductKernel.OfAllWidths(format))
            {
                float[] together = Multiply(kernel, weights, rows, inputs, x, vectors);
                for (int i = 0; i < together.Length; i++)
                {
                    (int vector, int row) = Math.DivRem(i, rows);
                    Assert.Equal(together[i], Multiply(kernel, weights[(row * rowBytes)..], 1, inputs, x[(vector * inputs)..], 1)[0]);
                }
            }
        }
    }

    private static float[] Multiply(ProductKernel kernel, byte[] weights, int rows, int inputs, float[] x, int vectors)
    {
        float[] y = new float[rows * vectors];
        fixed (byte* w = weights)
        {
            fixed (float* from = x, to = y)
            {
                kernel.Multiply(w, rows, inputs, from, inputs, to, rows, vectors);
            }
        }

        return y;
    }
}
