using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <content>Folds four rows at once, of which those that are not there repeat the last.</content>
internal sealed unsafe partial class VbmiMatrixFolding
{
    /// <summary>The lowest bytes of the 32 numbers of two vectors.</summary>
    private static readonly byte[] LowBytes = [.. Enumerable.Range(0, Chunk).Select(i => (byte)(4 * i % 128))];

    /// <inheritdoc/>
    public override void Fold(float* x, nint xStride, int rows, float squareFactor, FoldedRows folded)
    {
        float* x1 = x + Math.Min(1, rows - 1) * xStride, x2 = x + Math.Min(2, rows - 1) * xStride, x3 = x + (rows - 1) * xStride;
        float* p0 = Products, p1 = p0 + _padded, p2 = p1 + _padded, p3 = p2 + _padded;
        Vector512<float> m0 = default, m1 = default, m2 = default, m3 = default, c0 = default, c1 = default, c2 = default, c3 = default;
        for (int i = 0; i < _padded; i += Vector512<float>.Count)
        {
            Vector512<float> scales = Vector512.Load(Scales + i), centres = Vector512.Load(Centres + i);
            Scale(x + i, scales, centres, p0 + i, ref m0, ref c0);
            Scale(x1 + i, scales, centres, p1 + i, ref m1, ref c1);
            Scale(x2 + i, scales, centres, p2 + i, ref m2, ref c2);
            Scale(x3 + i, scales, centres, p3 + i, ref m3, ref c3);
        }

        if (squareFactor != 0)
        {
            Vector512<float> factors = Vector512.Create(-squareFactor);
            c0 = AddSquares(p0, factors, c0);
            c1 = AddSquares(p1, factors, c1);
            c2 = AddSquares(p2, factors, c2);
            c3 = AddSquares(p3, factors, c3);
        }

        Vector128<float> units = Units(Largest(m0, m1, m2, m3));
        units.Store(folded.Units);
        Vector128<float> inverse = Vector128.ConditionalSelect(Vector128.GreaterThan(units, Vector128.Create(LeastUnit)), Vector128<float>.One / units, Vector128<float>.Zero);
        c0 -= Round(p0, inverse[0], 0) * Vector512.Create(units[0] / 2);
        c1 -= Round(p1, inverse[1], 1) * Vector512.Create(units[1] / 2);
        c2 -= Round(p2, inverse[2], 2) * Vector512.Create(units[2] / 2);
        c3 -= Round(p3, inverse[3], 3) * Vector512.Create(units[3] / 2);
        Floats.Sums(Folded(c0), Folded(c1), Folded(c2), Folded(c3)).Store(folded.Constants);
        for (int row = 0; row < rows; row++)
        {
            Permute(_rounded + row * _padded, _order, (byte*)folded.Codes + row * folded.Stride, _padded);
            FoldUpperBits(Products + row * _padded, row, folded);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(
        float* x, Vector512<float> scales, Vector512<float> centres, float* products, ref Vector512<float> largest, ref Vector512<float> sums)
    {
        Vector512<float> values = Vector512.Load(x);
        Vector512<float> scaled = values * scales;
        scaled.Store(products);
        largest = Vector512.MaxNative(largest, Vector512.Abs(scaled));
        sums = Avx512F.FusedMultiplyAdd(values, centres, sums);
    }

    private Vector512<float> AddSquares(float* products, Vector512<float> factors, Vector512<float> sums)
    {
        Vector512<float> squares = Vector512<float>.Zero;
        for (int i = 0; i < _padded; i += Vector512<float>.Count)
        {
            Vector512<float> scaled = Vector512.Load(products + i);
            squares = Avx512F.FusedMultiplyAdd(scaled, scaled, squares);
        }

        return Avx512F.FusedMultiplyAdd(squares, factors, sums);
    }

    private Vector128<float> Units(Vector128<float> largest)
    {
        float safeCode = SafeCode();
        if (safeCode >= LeastCode)
        {
            return largest / safeCode;
        }

        FillPairCodes();
        return Vector128.Create(
            Unit(largest[0], safeCode, Products), Unit(largest[1], safeCode, Products + _padded),
            Unit(largest[2], safeCode, Products + 2 * _padded), Unit(largest[3], safeCode, Products + 3 * _padded));
    }

    /// <summary>Writes the nearest integers of a row's products / unit; returns Σ integer · largest code, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<float> Round(float* products, float inverse, int row)
    {
        byte* target = _rounded + row * _padded;
        Vector512<float> inverses = Vector512.Create(inverse), rounder = Vector512.Create(Rounder);
        Vector512<byte> lowBytes = Vector512.Create(LowBytes);
        Vector512<short> sums = Vector512<short>.Zero;
        for (int i = 0; i < _padded; i += Chunk)
        {
            Vector512<byte> b0 = Avx512F.FusedMultiplyAdd(Vector512.Load(products + i), inverses, rounder).AsByte();
            Vector512<byte> b1 = Avx512F.FusedMultiplyAdd(Vector512.Load(products + i + 16), inverses, rounder).AsByte();
            Vector512<byte> b2 = Avx512F.FusedMultiplyAdd(Vector512.Load(products + i + 32), inverses, rounder).AsByte();
            Vector512<byte> b3 = Avx512F.FusedMultiplyAdd(Vector512.Load(products + i + 48), inverses, rounder).AsByte();
            Vector512<byte> codes = Vector512.Create(
                Avx512Vbmi.PermuteVar64x8x2(b0, lowBytes, b1).GetLower(), Avx512Vbmi.PermuteVar64x8x2(b2, lowBytes, b3).GetLower());
            codes.Store(target + i);
            sums += Avx512BW.MultiplyAddAdjacent(Vector512.Load(_largestCodes + i), codes.AsSByte());
        }

        return Vector512.ConvertToSingle(Avx512BW.MultiplyAddAdjacent(sums, Vector512<short>.One));
    }

    /// <summary>The largest lane of each of four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Largest(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector256<float> ab = Vector256.MaxNative(Avx.UnpackLow(Larger(a), Larger(b)), Avx.UnpackHigh(Larger(a), Larger(b)));
        Vector256<float> cd = Vector256.MaxNative(Avx.UnpackLow(Larger(c), Larger(d)), Avx.UnpackHigh(Larger(c), Larger(d)));
        Vector256<float> four = Vector256.MaxNative(Avx.Shuffle(ab, cd, 0x44), Avx.Shuffle(ab, cd, 0xEE));
        return Vector128.MaxNative(four.GetLower(), four.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Larger(Vector512<float> vector) => Vector256.MaxNative(vector.GetLower(), vector.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Folded(Vector512<float> vector) => vector.GetLower() + vector.GetUpper();
}
