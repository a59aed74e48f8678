using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Turns rows into columns. Both counts are multiples of 8.</summary>
internal static class Transposition
{
    private const int Tile = 8;

    /// <summary>columns[c, r] = rows[r, c].</summary>
    /// <param name="rows">[rows, columns].</param>
    /// <param name="columnCount">Elements of a row.</param>
    /// <param name="columns">[columns, rows].</param>
    public static void Transpose(ReadOnlySpan<float> rows, int columnCount, Span<float> columns)
    {
        int rowCount = rows.Length / columnCount;
        for (int column = 0; column < columnCount; column += Tile)
        {
            for (int row = 0; row < rowCount; row += Tile)
            {
                ReadOnlySpan<float> from = rows[(row * columnCount + column)..];
                Span<float> to = columns[(column * rowCount + row)..];
                if (Avx.IsSupported)
                {
                    TransposeByAvx(from, columnCount, to, rowCount);
                }
                else
                {
                    TransposeByElement(from, columnCount, to, rowCount);
                }
            }
        }
    }

    private static void TransposeByElement(ReadOnlySpan<float> from, int fromStride, Span<float> to, int toStride)
    {
        for (int row = 0; row < Tile; row++)
        {
            for (int column = 0; column < Tile; column++)
            {
                to[column * toStride + row] = from[row * fromStride + column];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeByAvx(ReadOnlySpan<float> from, int fromStride, Span<float> to, int toStride)
    {
        // Rows 0 and 4, 1 and 5 … side by side, so that all exchanges after it stay within 128 bits.
        Vector256<float> a = Halves(from, 0), b = Halves(from[fromStride..], 0), c = Halves(from[(2 * fromStride)..], 0), d = Halves(from[(3 * fromStride)..], 0);
        Vector256<float> e = Halves(from, 4), f = Halves(from[fromStride..], 4), g = Halves(from[(2 * fromStride)..], 4), h = Halves(from[(3 * fromStride)..], 4);
        Store(a, b, c, d, to);
        Store(e, f, g, h, to[(4 * toStride)..]);

        Vector256<float> Halves(ReadOnlySpan<float> row, int at) =>
            Vector256.Create(Vector128.Create(row[at..]), Vector128.Create(row[(4 * fromStride + at)..]));

        void Store(Vector256<float> row0, Vector256<float> row1, Vector256<float> row2, Vector256<float> row3, Span<float> target)
        {
            Vector256<float> low01 = Avx.UnpackLow(row0, row1), high01 = Avx.UnpackHigh(row0, row1);
            Vector256<float> low23 = Avx.UnpackLow(row2, row3), high23 = Avx.UnpackHigh(row2, row3);
            Avx.Shuffle(low01, low23, 0b01_00_01_00).CopyTo(target);
            Avx.Shuffle(low01, low23, 0b11_10_11_10).CopyTo(target[toStride..]);
            Avx.Shuffle(high01, high23, 0b01_00_01_00).CopyTo(target[(2 * toStride)..]);
            Avx.Shuffle(high01, high23, 0b11_10_11_10).CopyTo(target[(3 * toStride)..]);
        }
    }
}
