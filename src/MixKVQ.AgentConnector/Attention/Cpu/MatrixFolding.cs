using System.Runtime.Intrinsics;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// What integer products need of a packed matrix beside its planes: scales and zeros, brought from storage order to the lines' own order, so that vectors x over lines
/// fold with them as they are; only the folded integers, one unit a row, move to storage order.
/// <code>
///   Σ_i x_i · (zero_i + scale_i · code_ie)  ≈  Σ_i x_i · centre_i  +  unit · Σ_i x8_i · (code_ie − largest_i / 2)        x8_i = round(x_i · scale_i / unit)
/// </code>
/// Rounding errors thus meet codes counted from the middle of their range, where they weigh least. A line of 8 bits is two of 4 bits, the upper with 16 times the scale.
/// Lines that are not quantized are left out.
/// One thread at a time: it holds the opened matrix.
/// </summary>
internal abstract unsafe class MatrixFolding
{
    /// <summary>1.5 · 2^23: a small number added to it has its nearest integer in the lowest bits.</summary>
    protected const float Rounder = 12582912;

    /// <summary>The largest |x8|.</summary>
    private const float MostCode = 127;

    /// <summary>Where less than this is left for |x8|, it pays to look at the row before giving bits away.</summary>
    protected const float LeastCode = 64;

    /// <summary>Rows of so small a unit, as weights far from the largest have, are taken as zeros: a smaller unit's inverse may be no number.</summary>
    protected const float LeastUnit = 1e-30f;

    /// <summary>What one of the upper four bits of 8 stands for, in steps of the line.</summary>
    private const float UpperStep = 16;

    /// <summary>What a 16-bit lane sums at most, under 32767 by more than floats are off.</summary>
    private const float MostLane = 32760;

    private readonly AlignedMemory _memory;

    /// <param name="layout">Layout of the matrices to open.</param>
    protected MatrixFolding(MatrixLayout layout)
    {
        Layout = layout;
        int padded = FoldedRows.Padded(layout.LineCount);
        _memory = new AlignedMemory((4 + FoldedRows.MostRows) * padded * sizeof(float));
        Scales = _memory.Floats;
        Centres = Scales + padded;
        LowerPairCodes = Centres + padded;
        UpperPairCodes = LowerPairCodes + padded;
        Products = UpperPairCodes + padded;
    }

    /// <summary>The matrices' layout.</summary>
    public MatrixLayout Layout { get; }

    /// <summary>How many lines have at least each width.</summary>
    public WidthCounts Counts { get; protected set; }

    /// <summary>Where the parts begin.</summary>
    public MatrixOffsets Offsets { get; protected set; }

    /// <summary>[lines]: a code's step; 0 for lines that are left out, and for padding.</summary>
    protected float* Scales { get; }

    /// <summary>[lines]: the middle of what a line's codes stand for, zero + scale · largest code / 2; 0 for lines that are left out, and for padding.</summary>
    protected float* Centres { get; }

    /// <summary>[lines]: the largest code of lines that are the first or second of their quad, 0 for others and for those left out: a 16-bit lane sums these or the others.</summary>
    protected float* LowerPairCodes { get; }

    /// <summary>[lines]: the largest code of lines that are the third or fourth of their quad, 0 for others and for those left out.</summary>
    protected float* UpperPairCodes { get; }

    /// <summary>[rows, padded lines]: x · scale of the rows that are being folded.</summary>
    protected float* Products { get; }

    /// <summary>The reader for these instructions.</summary>
    public static MatrixFolding For(CpuInstructions instructions, MatrixLayout layout) =>
        instructions == CpuInstructions.Avx512 && layout.LineCount <= VbmiMatrixFolding.MostLines ? new VbmiMatrixFolding(layout) : new PortableMatrixFolding(layout);

    /// <summary>Turns to the matrix that begins at <paramref name="matrix"/>.</summary>
    public abstract void Open(byte* matrix);

    /// <summary>Folds rows of x.</summary>
    /// <param name="x">[rows, lines]; finite floats follow each row up to a multiple of 64.</param>
    /// <param name="xStride">Floats from row to row of x.</param>
    /// <param name="rows">1 to 4.</param>
    /// <param name="squareFactor">Times Σ (x_i · scale_i)² is taken off the row's constant.</param>
    /// <param name="folded">Gets the rows.</param>
    public abstract void Fold(float* x, nint xStride, int rows, float squareFactor, FoldedRows folded);

    /// <summary>The line at a place of the storage order.</summary>
    protected abstract int LineAt(int place);

    /// <summary>Moves the centres of lines of 8 bits from the middle of their lowest four bits to that of all.</summary>
    protected void CentreLinesOfEightBits()
    {
        for (int place = 0; place < Counts.Eight; place++)
        {
            int line = LineAt(place);
            Centres[line] += Scales[line] * (UpperStep * AffineLine.MaxCode(4) / 2);
        }
    }

    /// <summary>Folds a row's products with upper bits, with a unit of their own: they are some larger than the others.</summary>
    /// <param name="products">The row's products.</param>
    /// <param name="row">The row of <paramref name="folded"/>, whose constant is there.</param>
    /// <param name="folded">Gets the integers and their unit; what codes from the middle of their range are short of is taken off the constant.</param>
    protected void FoldUpperBits(float* products, int row, FoldedRows folded)
    {
        if (Counts.Eight == 0)
        {
            return;
        }

        float largest = 0;
        for (int place = 0; place < Counts.Eight; place++)
        {
            largest = Math.Max(largest, Math.Abs(products[LineAt(place)]));
        }

        float safeCode = Math.Min(MostCode, MathF.Floor(MostLane / (AffineLine.MaxCode(4) * Members(Counts.Eight, BitPlane.QuadLines / 2))));
        float unit = largest / safeCode;
        float inverse = unit > LeastUnit ? 1 / unit : 0;
        sbyte* codes = folded.Codes + row * folded.Stride + folded.Stride / 2;
        int sum = 0;
        for (int place = 0; place < Counts.Eight; place++)
        {
            int code = (int)MathF.Round(products[LineAt(place)] * inverse);
            codes[place] = (sbyte)code;
            sum += code;
        }

        folded.Units[FoldedRows.MostRows + row] = UpperStep * unit;
        folded.Constants[row] -= UpperStep * unit * (AffineLine.MaxCode(4) / 2f) * sum;
    }

    /// <summary>Fills <see cref="LowerPairCodes"/> and <see cref="UpperPairCodes"/> for the opened matrix.</summary>
    protected abstract void FillPairCodes();

    /// <summary>The largest |x8| with which no 16-bit lane overflows, whatever the row.</summary>
    protected float SafeCode()
    {
        (int all, int lower) = (CodeSum(Counts, BitPlane.QuadLines), CodeSum(Counts, BitPlane.QuadLines / 2));
        return Math.Min(MostCode, MathF.Floor(MostLane / Math.Max(Math.Max(lower, all - lower), 1)));
    }

    /// <summary>The smallest unit of a row with which no |x8| exceeds 127 and no 16-bit lane overflows; cheaply found, and a little larger, where codes are few.</summary>
    /// <param name="largest">The row's largest product's magnitude.</param>
    /// <param name="safeCode">From <see cref="SafeCode"/>; where it is less than <see cref="LeastCode"/>, <see cref="FillPairCodes"/> was called.</param>
    /// <param name="products">The row's products.</param>
    protected float Unit(float largest, float safeCode, float* products)
    {
        if (safeCode >= LeastCode)
        {
            return largest / safeCode;
        }

        Vector256<float> lower = default, upper = default, lowerCodes = default, upperCodes = default;
        for (int i = 0; i < Layout.LineCount; i += Vector256<float>.Count)
        {
            Vector256<float> magnitudes = Vector256.Abs(Vector256.Load(products + i));
            lower = Vector256.MultiplyAddEstimate(magnitudes, Vector256.Load(LowerPairCodes + i), lower);
            upper = Vector256.MultiplyAddEstimate(magnitudes, Vector256.Load(UpperPairCodes + i), upper);
            lowerCodes += Vector256.Load(LowerPairCodes + i);
            upperCodes += Vector256.Load(UpperPairCodes + i);
        }

        // A rounded integer is at most half above what it stands for.
        float lowerUnit = Vector256.Sum(lower) / (MostLane - Vector256.Sum(lowerCodes) / 2);
        float upperUnit = Vector256.Sum(upper) / (MostLane - Vector256.Sum(upperCodes) / 2);
        return Math.Max(largest / MostCode, Math.Max(lowerUnit, upperUnit));
    }

    /// <summary>Sum of the largest codes of the first <paramref name="lanes"/> lines of each quad, in their lowest four bits, without those that are left out.</summary>
    private static int CodeSum(in WidthCounts counts, int lanes) =>
        3 * Members(counts.Quantized, lanes) + 4 * Members(counts.Third, lanes) + 8 * Members(counts.Fourth, lanes);

    private static int Members(int places, int lanes) => places / BitPlane.QuadLines * lanes + Math.Min(places % BitPlane.QuadLines, lanes);
}
