using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

public sealed class MatrixTests
{
    private static readonly byte[][] Palettes = [[2], [3], [4], [8], [16], [2, 4, 16], [2, 3, 4, 8], [3, 8]];

    /// <summary>Lines of every kind: ordinary, constant, huge, tiny, far from zero, and mixed with them.</summary>
    private static readonly Gen<float> Levels = OneOf(0f, 1f, -3f, 1e-30f, 1e-6f, 250f, 1e6f, -1e30f);

    private static readonly Gen<(float Offset, float Amplitude)> Kinds = Gen.Select(Levels, Levels.Select(Math.Abs));

    private static readonly Gen<(MatrixLayout Layout, byte[] Widths, float[] Elements, int ZeroBytes)> Matrices =
        from palette in OneOf(Palettes)
        from quads in Gen.Int[1, 6]
        let lineCount = 4 * quads
        from lineLength in OneOf(8, 16, 24, 64, 128)
        from scaleBytes in Gen.Int[1, 2]
        from zeroBytes in Gen.Int[1, 2]
        from widths in OneOf(palette).Array[lineCount]
        from kinds in Kinds.Array[lineCount]
        from noise in Gen.Float[-1, 1].Array[lineCount * lineLength]
        select (
            new MatrixLayout(lineCount, lineLength, new WidthPalette([.. palette]), scaleBytes, ElementFormat.Float32),
            widths,
            noise.Select((x, i) => kinds[i / lineLength].Offset + kinds[i / lineLength].Amplitude * x).ToArray(),
            zeroBytes);

    private static Gen<T> OneOf<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    [Fact]
    public void EachElement_IsOffByAtMostHalfItsLinesStep()
    {
        Matrices.Sample(
            (layout, widths, elements, zeroBytes) =>
            {
                var packed = new PackedMatrix(layout, LineFit.Range, elements, widths, zeroBytes);
                float[] actual = packed.Elements();
                float[] steps = packed.Steps();
                for (int i = 0; i < elements.Length; i++)
                {
                    int line = i / layout.LineLength;

                    // Half a step, and the rounding of float32 arithmetic on numbers of this size.
                    double size = Math.Abs((double)elements[i]) + steps[line] * (double)(1 << widths[line]);
                    double allowed = widths[line] == WidthPalette.Full ? 0 : steps[line] / 2.0 + 4e-7 * size;
                    Assert.True(Math.Abs((double)actual[i] - elements[i]) <= allowed, $"line {line} of {widths[line]} bits, step {steps[line]}: {elements[i]} became {actual[i]}");
                }
            },
            iter: 300);
    }

    [Fact]
    public void ALinesStep_IsItsRangesStepButForRoundingOfTheMetadata()
    {
        Gen.Float[-1, 1].Array[16 * 128].Sample(
            elements =>
            {
                byte[] widths = [.. Enumerable.Range(0, 16).Select(line => (byte)(line % 3 + 2))];
                var layout = new MatrixLayout(16, 128, new WidthPalette(2, 3, 4, 8), 1, ElementFormat.BFloat16);
                float[] steps = new PackedMatrix(layout, LineFit.Range, elements, widths, 1).Steps();
                for (int line = 0; line < 16; line++)
                {
                    float[] own = elements[(line * 128)..((line + 1) * 128)];
                    double step = (own.Max() - own.Min()) / ((1 << widths[line]) - 1.0);
                    Assert.InRange(steps[line] / step, 0.999999, 1.06);
                }
            },
            iter: 50);
    }

    [Fact]
    public void Codes_ComeBackAsWritten()
    {
        // Integers from 0 to the largest code, both met: scale 1 and zero 0, so that each element is its code.
        foreach (byte[] palette in Palettes.Where(palette => palette[0] < 16))
        {
            foreach (byte width in palette.Where(width => width < 16))
            {
                int top = (1 << width) - 1;
                Gen.Int[0, top].Array[8 * 64].Sample(
                    codes =>
                    {
                        for (int line = 0; line < 8; line++)
                        {
                            (codes[line * 64], codes[line * 64 + 63]) = (0, top);
                        }

                        var layout = new MatrixLayout(8, 64, new WidthPalette([.. palette]), 2, ElementFormat.Float32);
                        var packed = new PackedMatrix(layout, LineFit.Range, [.. codes.Select(code => (float)code)], [.. Enumerable.Repeat(width, 8)], 2);
                        Assert.Equal(codes.Select(code => (float)code), packed.Elements());
                    },
                    iter: 20);
            }
        }
    }

    [Fact]
    public void Order_IsWidestFirstAndUnquantizedLast()
    {
        var layout = new MatrixLayout(8, 8, new WidthPalette(2, 4, 8, 16), 1, ElementFormat.Float32);
        float[] elements = [.. Enumerable.Range(0, 64).Select(i => (float)(i * i % 7))];
        var packed = new PackedMatrix(layout, LineFit.Range, elements, [2, 16, 8, 4, 2, 8, 2, 2], 1);
        Assert.Equal<ushort>([2, 5, 3, 0, 4, 6, 7, 1], packed.Reader.Order.ToArray());
        Assert.Equal(new WidthCounts(7, 3, 3, 2, 1), packed.Reader.Counts);
        Assert.Equal(elements[8..16], packed.Elements()[8..16]);
    }

    [Fact]
    public void AConstantLine_IsHeldAsCloselyAsTheZerosGrid()
    {
        var layout = new MatrixLayout(4, 64, new WidthPalette(2), 2, ElementFormat.Float32);
        float[] elements = [.. Enumerable.Range(0, 256).Select(i => i / 64 * 0.5f - 0.7f)];
        float[] actual = new PackedMatrix(layout, LineFit.Range, elements, [2, 2, 2, 2], 2).Elements();
        Assert.All(elements.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Theory]
    [InlineData(2, 0.65)]
    [InlineData(3, 0.95)]
    [InlineData(4, 1.02)]
    public void LeastSquares_HasLessErrorThanTheRangeOnBellShapedLines(byte width, double mostRatio)
    {
        double[] squared = [0, 0];
        var random = new Random(5);
        float[] elements = [.. Enumerable.Range(0, 128 * 64).Select(_ => (float)Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * (float)Math.Cos(2 * Math.PI * random.NextDouble()))];
        foreach (LineFit fit in Enum.GetValues<LineFit>())
        {
            var layout = new MatrixLayout(128, 64, new WidthPalette(2, 3, 4, 8), 1, ElementFormat.Float32);
            float[] actual = new PackedMatrix(layout, fit, elements, [.. Enumerable.Repeat(width, 128)], 1).Elements();
            squared[(int)fit] = elements.Zip(actual, (a, b) => Math.Pow(a - b, 2)).Average();
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{width} bits: range {squared[0]:F5}, least squares {squared[1]:F5}, ratio {squared[1] / squared[0]:F3}");
        Assert.True(squared[1] < mostRatio * squared[0], $"{squared[1]} is not below {mostRatio} of {squared[0]}.");
    }
}
