using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <inheritdoc/>
/// <remarks>
/// Tiles of four rows by one, two or four vectors: one accumulator for each product, few enough for the registers, enough to hide the latency of a
/// multiply-add. Optimized at once: a first token in slow code would take a second. Four rows are also as many streams as prefetchers follow well.
/// </remarks>
/// <typeparam name="TFormat">How weights lie in memory.</typeparam>
/// <typeparam name="TLanes">The vectors' width.</typeparam>
/// <typeparam name="TVector">The vectors.</typeparam>
internal sealed unsafe class ProductKernel<TFormat, TLanes, TVector> : ProductKernel
    where TFormat : struct, IWeightFormat
    where TLanes : struct, ILanes<TVector>
    where TVector : struct
{
    private const int TileRows = 4;
    private const int CacheLine = 64;

    /// <inheritdoc/>
    public override void Multiply(byte* weights, int rows, int inputs, float* x, int xStride, float* y, int yStride, int vectors)
    {
        nint rowBytes = (nint)inputs * TFormat.Bytes;
        byte* w = weights;
        int row = 0;
        for (; row <= rows - TileRows; row += TileRows, w += TileRows * rowBytes)
        {
            int vector = 0;
            // Narrow vectors come in small register files.
            for (; TLanes.Count >= 16 && vector <= vectors - 4; vector += 4)
            {
                FourVectors(w, rowBytes, inputs, x + ((nint)vector * xStride), xStride, y + ((nint)vector * yStride) + row, yStride);
            }

            for (; vector <= vectors - 2; vector += 2)
            {
                TwoVectors(w, rowBytes, inputs, x + ((nint)vector * xStride), xStride, y + ((nint)vector * yStride) + row, yStride);
            }

            if (vector < vectors)
            {
                OneVector(w, rowBytes, inputs, x + ((nint)vector * xStride), y + ((nint)vector * yStride) + row);
            }
        }

        for (; row < rows; row++, w += rowBytes)
        {
            for (int vector = 0; vector < vectors; vector++)
            {
                OneRow(w, inputs, x + ((nint)vector * xStride), y + ((nint)vector * yStride) + row);
            }
        }

        if (inputs % TLanes.Count != 0)
        {
            AddTails(weights, rows, inputs, x, xStride, y, yStride, vectors);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneVector(byte* w, nint rowBytes, int inputs, float* x, float* y)
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        TVector s0 = default, s1 = default, s2 = default, s3 = default;
        nint i = 0;
        for (; i <= inputs - TLanes.Count; i += TLanes.Count)
        {
            Prefetch(w, rowBytes, i);
            TVector v = TLanes.Load(x + i);
            s0 = TLanes.MultiplyAdd(Load(w, i), v, s0);
            s1 = TLanes.MultiplyAdd(Load(w1, i), v, s1);
            s2 = TLanes.MultiplyAdd(Load(w2, i), v, s2);
            s3 = TLanes.MultiplyAdd(Load(w3, i), v, s3);
        }

        Store(y, s0, s1, s2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoVectors(byte* w, nint rowBytes, int inputs, float* x, int xStride, float* y, int yStride)
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* x1 = x + xStride, y1 = y + yStride;
        TVector s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        nint i = 0;
        for (; i <= inputs - TLanes.Count; i += TLanes.Count)
        {
            Prefetch(w, rowBytes, i);
            TVector v0 = TLanes.Load(x + i), v1 = TLanes.Load(x1 + i);
            TVector a = Load(w, i), b = Load(w1, i), c = Load(w2, i), d = Load(w3, i);
            s00 = TLanes.MultiplyAdd(a, v0, s00);
            s01 = TLanes.MultiplyAdd(a, v1, s01);
            s10 = TLanes.MultiplyAdd(b, v0, s10);
            s11 = TLanes.MultiplyAdd(b, v1, s11);
            s20 = TLanes.MultiplyAdd(c, v0, s20);
            s21 = TLanes.MultiplyAdd(c, v1, s21);
            s30 = TLanes.MultiplyAdd(d, v0, s30);
            s31 = TLanes.MultiplyAdd(d, v1, s31);
        }

        Store(y, s00, s10, s20, s30);
        Store(y1, s01, s11, s21, s31);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourVectors(byte* w, nint rowBytes, int inputs, float* x, int xStride, float* y, int yStride)
    {
        byte* w1 = w + rowBytes, w2 = w1 + rowBytes, w3 = w2 + rowBytes;
        float* x1 = x + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
        TVector s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        TVector s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
        nint i = 0;
        for (; i <= inputs - TLanes.Count; i += TLanes.Count)
        {
            Prefetch(w, rowBytes, i);
            TVector v0 = TLanes.Load(x + i), v1 = TLanes.Load(x1 + i), v2 = TLanes.Load(x2 + i), v3 = TLanes.Load(x3 + i);
            TVector a = Load(w, i), b = Load(w1, i), c = Load(w2, i), d = Load(w3, i);
            s00 = TLanes.MultiplyAdd(a, v0, s00);
            s01 = TLanes.MultiplyAdd(a, v1, s01);
            s02 = TLanes.MultiplyAdd(a, v2, s02);
            s03 = TLanes.MultiplyAdd(a, v3, s03);
            s10 = TLanes.MultiplyAdd(b, v0, s10);
            s11 = TLanes.MultiplyAdd(b, v1, s11);
            s12 = TLanes.MultiplyAdd(b, v2, s12);
            s13 = TLanes.MultiplyAdd(b, v3, s13);
            s20 = TLanes.MultiplyAdd(c, v0, s20);
            s21 = TLanes.MultiplyAdd(c, v1, s21);
            s22 = TLanes.MultiplyAdd(c, v2, s22);
            s23 = TLanes.MultiplyAdd(c, v3, s23);
            s30 = TLanes.MultiplyAdd(d, v0, s30);
            s31 = TLanes.MultiplyAdd(d, v1, s31);
            s32 = TLanes.MultiplyAdd(d, v2, s32);
            s33 = TLanes.MultiplyAdd(d, v3, s33);
        }

        Store(y, s00, s10, s20, s30);
        Store(y + yStride, s01, s11, s21, s31);
        Store(y + (2 * yStride), s02, s12, s22, s32);
        Store(y + (3 * yStride), s03, s13, s23, s33);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneRow(byte* w, int inputs, float* x, float* y)
    {
        TVector sum = default;
        for (nint i = 0; i <= inputs - TLanes.Count; i += TLanes.Count)
        {
            sum = TLanes.MultiplyAdd(Load(w, i), TLanes.Load(x + i), sum);
        }

        y[0] = TLanes.Sum(sum);
    }

    // No call while sums are in registers: it would have them all kept in memory, in the loop too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, TVector s0, TVector s1, TVector s2, TVector s3)
    {
        y[0] = TLanes.Sum(s0);
        y[1] = TLanes.Sum(s1);
        y[2] = TLanes.Sum(s2);
        y[3] = TLanes.Sum(s3);
    }

    // What is left of each row behind its last whole vector.
    private static void AddTails(byte* w, int rows, int inputs, float* x, int xStride, float* y, int yStride, int vectors)
    {
        int first = inputs - (inputs % TLanes.Count);
        for (int row = 0; row < rows; row++, w += (nint)inputs * TFormat.Bytes)
        {
            for (int vector = 0; vector < vectors; vector++)
            {
                float* v = x + ((nint)vector * xStride);
                float sum = 0;
                for (int i = first; i < inputs; i++)
                {
                    sum += TFormat.Load(w, i) * v[i];
                }

                y[((nint)vector * yStride) + row] += sum;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load(byte* row, nint index) => TFormat.Load<TLanes, TVector>(row, index);

    // The tile after this one, as many bytes as an iteration reads: hardware follows rows too late, as each is short.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* w, nint rowBytes, nint index)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        byte* next = w + (TileRows * (rowBytes + (index * TFormat.Bytes)));
        Sse.Prefetch0(next);
        if (TLanes.Count * TFormat.Bytes * TileRows > CacheLine)
        {
            Sse.Prefetch0(next + CacheLine);
        }

        if (TLanes.Count * TFormat.Bytes * TileRows > 2 * CacheLine)
        {
            Sse.Prefetch0(next + (2 * CacheLine));
            Sse.Prefetch0(next + (3 * CacheLine));
        }
    }
}
