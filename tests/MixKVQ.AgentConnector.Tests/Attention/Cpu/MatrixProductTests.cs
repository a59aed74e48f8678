using CsCheck;
using MixKVQ.AgentConnector.Attention.Cpu;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed unsafe class MatrixProductTests
{
    private static readonly Gen<(PageMatrix Matrix, int Rows, bool Onto, int Seed)> Cases =
        from matrix in PageMatrix.Any
        from rows in Gen.Int[1, 7]
        from onto in Gen.Bool
        from seed in Gen.Int
        select (matrix, rows, onto, seed);

    [Fact]
    public void Multiply_IsOffByNoMoreThanRoundingEachLinesFactor() => Cases.Sample(
        c =>
        {
            foreach (CpuInstructions instructions in PageMatrix.Instructions)
            {
                AssertProduct(c.Matrix, c.Rows, c.Onto, c.Seed, instructions, exact: false);
            }
        },
        iter: 100);

    [Fact]
    public void Multiply_KeepsFloatsWhereExactnessIsAsked() => Cases.Sample(
        c => AssertProduct(c.Matrix, c.Rows, c.Onto, c.Seed, CpuInstructionSets.Best, exact: true), iter: 60);

    private static void AssertProduct(PageMatrix matrix, int rows, bool onto, int seed, CpuInstructions instructions, bool exact)
    {
        const float before = 2.5f, squareFactor = 0.25f;
        (int lines, int length) = (matrix.Layout.LineCount, matrix.Layout.LineLength);
        int xStride = lines + 5, yStride = length + 9;
        var x = new AlignedMemory((rows * xStride + 64) * sizeof(float));
        var y = new AlignedMemory((rows * yStride + 16) * sizeof(float));
        var random = new Random(seed);
        for (int row = 0; row < rows; row++)
        {
            PageMatrix.Row(random.Next(7), lines, random).CopyTo(new Span<float>(x.Floats + row * xStride, lines));
        }

        new Span<float>(y.Floats, rows * yStride + 16).Fill(before);
        new MatrixProduct(matrix.Layout, instructions, exact).Multiply(
            matrix.Start, x.Floats, xStride, rows, squareFactor, y.Floats, yStride, onto, default);
        for (int row = 0; row < rows; row++)
        {
            (double squares, double magnitude, double allowed) = Sizes(matrix, x.Floats + row * xStride);
            for (int element = 0; element < yStride; element++)
            {
                double expected = element < length && !onto ? 0 : before;
                for (int line = 0; line < lines && element < length; line++)
                {
                    expected += (double)x.Floats[row * xStride + line] * matrix.Elements[line * length + element];
                }

                expected -= element < length ? squareFactor * squares : 0;
                double tolerance = element < length ? 1e-5 * (magnitude + squares) + 1e-5 + (exact ? 0 : allowed) : 0;
                Assert.InRange(Math.Abs(expected - y.Floats[row * yStride + element]), 0, tolerance);
            }
        }
    }

    /// <summary>
    /// Of a row: Σ (x · scale)², the largest that Σ |x · element| gets, and what rounding may be off: half a unit in each line's factor, times half the line's largest code.
    /// The unit is the row's largest factor over 64 or more, or what lets all
    /// lanes hold their sums. A line of 8 bits is two of 4, one with 16 times the factor, and a unit for those.
    /// </summary>
    private static (double Squares, double Magnitude, double Allowed) Sizes(PageMatrix matrix, float* x)
    {
        (double squares, double magnitude, double largest, double upperLargest, double lane, double codes) = (0, 0, 0, 0, 0, 0);
        for (int place = 0; place < matrix.Layout.LineCount; place++)
        {
            int line = matrix.Reader.Order[place];
            double factor = place < matrix.Reader.Counts.Quantized ? x[line] * (double)matrix.Reader.Scales[place] : 0;
            squares += factor * factor;
            magnitude += Math.Abs(x[line]) * matrix.Elements.AsSpan(line * matrix.Layout.LineLength, matrix.Layout.LineLength).ToArray().Max(Math.Abs);
            int code = matrix.LargestCode(place);
            largest = Math.Max(largest, Math.Abs(factor));
            upperLargest = Math.Max(upperLargest, code > 15 ? 16 * Math.Abs(factor) : 0);
            lane += Math.Abs(factor) * Math.Min(code, 15);
            codes += Math.Min(code, 15);
        }

        double unit = Math.Max(largest / 64, lane / (32760 - codes / 2));
        int upperCodes = 15 * matrix.Reader.Counts.Eight;
        double upperUnit = upperLargest / Math.Min(127, Math.Floor(32760 / (15.0 * (2 + matrix.Reader.Counts.Eight / 2))));
        return (squares, magnitude, (unit / 4 * codes) + (upperUnit / 4 * upperCodes));
    }
}
