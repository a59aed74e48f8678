using CsCheck;
using MixKVQ.AgentConnector.Attention.Cpu;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed unsafe class QuadProductTests
{
    private static readonly Gen<(PageMatrix Matrix, int Rows, int Seed)> Cases =
        from matrix in PageMatrix.Any
        from rows in Gen.Int[1, 4]
        from seed in Gen.Int
        select (matrix, rows, seed);

    [Fact]
    public void Multiply_SumsIntegersExactlyWhateverTheRows() => Cases.Sample(
        c =>
        {
            foreach (CpuInstructions instructions in PageMatrix.Instructions)
            {
                AssertSums(c.Matrix, c.Rows, c.Seed, instructions);
            }
        },
        iter: 150);

    private static void AssertSums(PageMatrix matrix, int rows, int seed, CpuInstructions instructions)
    {
        (int lines, int length) = (matrix.Layout.LineCount, matrix.Layout.LineLength);
        int xStride = FoldedRows.Padded(lines), yStride = length + 3;
        var folding = MatrixFolding.For(instructions, matrix.Layout);
        var folded = new FoldedRows(lines);
        var x = new AlignedMemory((rows + 1) * xStride * sizeof(float));
        var y = new AlignedMemory((rows * yStride + 16) * sizeof(float));
        var random = new Random(seed);
        for (int row = 0; row < rows; row++)
        {
            PageMatrix.Row(random.Next(7), lines, random).CopyTo(new Span<float>(x.Floats + row * xStride, lines));
        }

        new Span<float>(y.Floats, rows * yStride + 16).Fill(0.5f);
        folding.Open(matrix.Start);
        folding.Fold(x.Floats, xStride, rows, 0, folded);
        QuadProduct.For(instructions).Multiply(
            new QuadPlanes(matrix.Start, folding.Offsets, folding.Counts, length, default), folded, rows, y.Floats, yStride, onto: true);
        var codes = new uint[length];
        var sums = new long[rows * length];
        var upperSums = new long[rows * length];
        for (int quad = 0; quad < matrix.Reader.Counts.Quads; quad++)
        {
            matrix.Reader.ReadQuad(quad, codes);
            for (int i = 0; i < sums.Length; i++)
            {
                (int row, int element) = Math.DivRem(i, length);
                for (int line = 0; line < 4; line++)
                {
                    sbyte* integers = folded.Codes + row * folded.Stride + 4 * quad + line;
                    uint code = (codes[element] >> (8 * line)) & 0xFF;
                    sums[i] += *integers * (long)(code & 15);
                    upperSums[i] += code > 15 ? integers[folded.Stride / 2] * (long)(code >> 4) : 0;
                }
            }
        }

        for (int i = 0; i < rows * yStride; i++)
        {
            (int row, int element) = Math.DivRem(i, yStride);
            double expected = element >= length ? 0.5 : 0.5 + folded.Constants[row] + (double)folded.Units[row] * sums[row * length + element] + UpperUnit(row) * upperSums[row * length + element];
            Assert.Equal(expected, y.Floats[i], 1e-6 * (Math.Abs(folded.Constants[row]) + (folded.Units[row] + UpperUnit(row)) * 32767 * 2 + 1));
        }

        double UpperUnit(int row) => row < rows && matrix.Reader.Counts.Eight > 0 ? folded.Units[FoldedRows.MostRows + row] : 0;
    }
}
