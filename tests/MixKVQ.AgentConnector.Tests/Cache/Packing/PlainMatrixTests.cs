using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

/// <summary>Writer and reader, which work in vectors, against <see cref="PlainMatrix"/>.</summary>
public sealed class PlainMatrixTests
{
    private static readonly WidthPalette[] Palettes = [new(2, 3, 4, 8), new(2, 4, 16), new(3), new(2, 3, 8, 16)];

    private sealed record Case(MatrixLayout Layout, byte[] Widths, float[] Elements, int ZeroBytes, LineFit Fit)
    {
        public double[] Line(int index) => [.. Elements.AsSpan(index * Layout.LineLength, Layout.LineLength).ToArray().Select(x => (double)x)];
    }

    private static readonly Gen<Case> Cases =
        from palette in Gen.Int[0, Palettes.Length - 1].Select(index => Palettes[index])
        from quads in Gen.Int[1, 10]
        from eighths in Gen.Int[1, 16]
        from scaleBytes in Gen.Int[1, 2]
        from zeroBytes in Gen.Int[1, 2]
        from fit in Gen.Enum<LineFit>()
        from widths in Gen.Int[0, palette.Widths.Length - 1].Select(index => palette.Widths[index]).Array[4 * quads]
        from levels in Gen.Float[-3, 3].Array[4 * quads]
        from noise in Gen.Float[-1, 1].Array[4 * quads * 8 * eighths]
        select new Case(
            new MatrixLayout(4 * quads, 8 * eighths, palette, scaleBytes, ElementFormat.Float32),
            widths, [.. noise.Select((x, i) => levels[i / (8 * eighths)] * (1 + x))], zeroBytes, fit);

    [Fact]
    public void TheReader_SeesWhatTheLayoutDraws() => Cases.Sample(
        (Case c) =>
        {
            (PackedMatrix packed, PlainMatrix plain) = Write(c);
            Assert.Equal(plain.Order.Select(line => (ushort)line), packed.Reader.Order.ToArray());
            Assert.Equal(plain.FullStart, packed.Reader.Offsets.Full);
            var codes = new float[c.Layout.LineLength];
            for (int place = 0; place < plain.Codes.Length; place++)
            {
                packed.Reader.ReadCodes(place, codes);
                Assert.Equal(plain.Codes[place].Select(code => (float)code), codes);
                Assert.Equal(plain.Widths[place], packed.Reader.Counts.WidthAt(place));
                Assert.Equal(plain.Scale(plain.ScaleCodes[place]), packed.Reader.Scales[place], 1e-6 * plain.ScaleUnit);
                Assert.Equal(plain.Zero(plain.ZeroCodes[place]), packed.Reader.Zeros[place], 1e-6 * (Math.Abs(plain.ZeroOrigin) + 65535 * plain.ZeroUnit));
            }
        },
        iter: 200);

    [Fact]
    public void EachCode_IsTheNearestButForTies() => Cases.Sample(
        (Case c) =>
        {
            (PackedMatrix packed, PlainMatrix plain) = Write(c);
            for (int place = 0; place < plain.Codes.Length; place++)
            {
                double[] line = c.Line(plain.Order[place]);
                for (int e = 0; e < line.Length; e++)
                {
                    double exact = packed.Reader.Scales[place] == 0 ? 0
                        : Math.Clamp((line[e] - packed.Reader.Zeros[place]) / packed.Reader.Scales[place], 0, (1 << plain.Widths[place]) - 1);
                    Assert.True(Math.Abs(plain.Codes[place][e] - exact) <= 0.5 + 1e-3, $"{line[e]} has code {plain.Codes[place][e]} where {exact} would be exact");
                }
            }
        },
        iter: 200);

    [Fact]
    public void ARangesScaleAndZero_AreTheTightestThatCoverIt() => Cases.Sample(
        (Case c) =>
        {
            (_, PlainMatrix plain) = Write(c with { Fit = LineFit.Range });
            for (int place = 0; place < plain.Codes.Length; place++)
            {
                double[] line = c.Line(plain.Order[place]);
                (double scale, double zero, double slack) = (plain.Scale(plain.ScaleCodes[place]), plain.Zero(plain.ZeroCodes[place]), 1e-6 * (1 + plain.ScaleUnit * 255 + Math.Abs(plain.ZeroOrigin)));

                // The zeros' grid is computed in float32, so that it is off by parts of the largest zero.
                Assert.InRange(line.Min() - zero, -slack, plain.ZeroUnit * 1.001 + slack);
                double step = (line.Max() - zero) / ((1 << plain.Widths[place]) - 1);
                Assert.True(scale >= step * (1 - 1e-6) - slack, $"scale {scale} for a step of {step}");
                Assert.True(plain.ScaleCodes[place] <= 1 || plain.Scale(plain.ScaleCodes[place] - 1) < step * (1 + 1e-6) + slack, $"scale {scale} for a step of {step}");
            }
        },
        iter: 200);

    [Fact]
    public void LeastSquares_HasThePlainAlternationsError()
    {
        (double actual, double plainly) = (0, 0);
        Cases.Where(c => c.Layout.ScaleBytes == 2).Sample(
            (Case c) =>
            {
                (PackedMatrix packed, PlainMatrix plain) = Write(c with { Fit = LineFit.LeastSquares, ZeroBytes = 2 });
                float[] elements = packed.Elements();
                for (int place = 0; place < plain.Codes.Length; place++)
                {
                    double[] line = c.Line(plain.Order[place]);
                    double error = line.Select((x, e) => Math.Pow(x - elements[plain.Order[place] * line.Length + e], 2)).Sum();
                    plainly += plain.Widths[place] == 8 ? 0 : PlainMatrix.LeastSquaredError(line, plain.Widths[place], 8);
                    actual += plain.Widths[place] == 8 ? 0 : error;
                }
            },
            iter: 100,
            threads: 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"squared error {actual:F4} against {plainly:F4}");

        // A zero fitted once more to the stored scale lowers the error a little, and storage raises it.
        Assert.InRange(actual / plainly, 0.9, 1.02);
    }

    private static (PackedMatrix Packed, PlainMatrix Plain) Write(Case c)
    {
        var packed = new PackedMatrix(c.Layout, c.Fit, c.Elements, c.Widths, c.ZeroBytes);
        return (packed, new PlainMatrix(c.Layout, c.Widths, packed.Bytes));
    }
}
