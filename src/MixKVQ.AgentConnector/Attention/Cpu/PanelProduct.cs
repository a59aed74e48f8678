using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// y += x · B for a matrix B in panels, see <see cref="MatrixPanels"/>. Six rows of y by one panel, two vectors, stay in registers while the lines go by:
/// twelve sums, two loads and six broadcasts a line, which keeps the multipliers of every instruction set busy and leaves 16 registers enough.
/// </summary>
internal static unsafe class PanelProduct<TVector, TFloats>
    where TVector : struct
    where TFloats : struct, IFloatVectors<TVector>
{
    /// <summary>Columns of a panel.</summary>
    public static int Width => 2 * TFloats.Count;

    /// <summary>One panel's part of y += x · B, for so many rows.</summary>
    /// <param name="panel">[lines, <see cref="Width"/>].</param>
    /// <param name="lines">Lines of B, elements of a row of x.</param>
    /// <param name="x">The first row of x.</param>
    /// <param name="xStride">Floats from a row of x to the next.</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="y">The panel's first column in the first row of y.</param>
    /// <param name="yStride">Floats from a row of y to the next.</param>
    public static void Add(float* panel, int lines, float* x, int xStride, int rows, float* y, int yStride)
    {
        for (; rows >= 6; rows -= 6, x += 6L * xStride, y += 6L * yStride)
        {
            AddSix(panel, lines, x, xStride, y, yStride);
        }

        for (; rows >= 2; rows -= 2, x += 2L * xStride, y += 2L * yStride)
        {
            AddTwo(panel, lines, x, x + xStride, y, y + yStride);
        }

        if (rows > 0)
        {
            AddOne(panel, lines, x, y);
        }
    }

    private static void AddSix(float* panel, int lines, float* x, long xStride, float* y, long yStride)
    {
        float* x1 = x + xStride, x2 = x1 + xStride, x3 = x2 + xStride, x4 = x3 + xStride, x5 = x4 + xStride;
        float* y1 = y + yStride, y2 = y1 + yStride, y3 = y2 + yStride, y4 = y3 + yStride, y5 = y4 + yStride;
        int w = TFloats.Count;
        TVector s00 = TFloats.Load(y), s01 = TFloats.Load(y + w), s10 = TFloats.Load(y1), s11 = TFloats.Load(y1 + w);
        TVector s20 = TFloats.Load(y2), s21 = TFloats.Load(y2 + w), s30 = TFloats.Load(y3), s31 = TFloats.Load(y3 + w);
        TVector s40 = TFloats.Load(y4), s41 = TFloats.Load(y4 + w), s50 = TFloats.Load(y5), s51 = TFloats.Load(y5 + w);
        for (long i = 0; i < lines; i++, panel += 2 * w)
        {
            TVector b0 = TFloats.Load(panel), b1 = TFloats.Load(panel + w);
            TVector a = TFloats.Create(x[i]);
            s00 = TFloats.MultiplyAdd(a, b0, s00);
            s01 = TFloats.MultiplyAdd(a, b1, s01);
            a = TFloats.Create(x1[i]);
            s10 = TFloats.MultiplyAdd(a, b0, s10);
            s11 = TFloats.MultiplyAdd(a, b1, s11);
            a = TFloats.Create(x2[i]);
            s20 = TFloats.MultiplyAdd(a, b0, s20);
            s21 = TFloats.MultiplyAdd(a, b1, s21);
            a = TFloats.Create(x3[i]);
            s30 = TFloats.MultiplyAdd(a, b0, s30);
            s31 = TFloats.MultiplyAdd(a, b1, s31);
            a = TFloats.Create(x4[i]);
            s40 = TFloats.MultiplyAdd(a, b0, s40);
            s41 = TFloats.MultiplyAdd(a, b1, s41);
            a = TFloats.Create(x5[i]);
            s50 = TFloats.MultiplyAdd(a, b0, s50);
            s51 = TFloats.MultiplyAdd(a, b1, s51);
        }

        Store(s00, s01, y);
        Store(s10, s11, y1);
        Store(s20, s21, y2);
        Store(s30, s31, y3);
        Store(s40, s41, y4);
        Store(s50, s51, y5);
    }

    private static void AddTwo(float* panel, int lines, float* x0, float* x1, float* y0, float* y1)
    {
        int w = TFloats.Count;
        TVector s00 = TFloats.Load(y0), s01 = TFloats.Load(y0 + w), s10 = TFloats.Load(y1), s11 = TFloats.Load(y1 + w);
        for (long i = 0; i < lines; i++, panel += 2 * w)
        {
            TVector b0 = TFloats.Load(panel), b1 = TFloats.Load(panel + w);
            TVector a = TFloats.Create(x0[i]);
            s00 = TFloats.MultiplyAdd(a, b0, s00);
            s01 = TFloats.MultiplyAdd(a, b1, s01);
            a = TFloats.Create(x1[i]);
            s10 = TFloats.MultiplyAdd(a, b0, s10);
            s11 = TFloats.MultiplyAdd(a, b1, s11);
        }

        Store(s00, s01, y0);
        Store(s10, s11, y1);
    }

    private static void AddOne(float* panel, int lines, float* x, float* y)
    {
        int w = TFloats.Count;
        TVector s0 = TFloats.Load(y), s1 = TFloats.Load(y + w);
        for (long i = 0; i < lines; i++, panel += 2 * w)
        {
            TVector a = TFloats.Create(x[i]);
            s0 = TFloats.MultiplyAdd(a, TFloats.Load(panel), s0);
            s1 = TFloats.MultiplyAdd(a, TFloats.Load(panel + w), s1);
        }

        Store(s0, s1, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(TVector first, TVector second, float* y)
    {
        TFloats.Store(first, y);
        TFloats.Store(second, y + TFloats.Count);
    }
}
