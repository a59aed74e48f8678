using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Folds in portable vectors, four rows at once, of which those that are not there repeat the last: the four integers of a line stand in one 32-bit lane and move to
/// storage order together.
/// </summary>
internal sealed unsafe class PortableMatrixFolding : MatrixFolding
{
    private readonly MatrixReader _reader;
    private readonly AlignedMemory _memory;
    private readonly float* _largestCodes;
    private readonly int* _rounded;
    private readonly int _padded;

    public PortableMatrixFolding(MatrixLayout layout)
        : base(layout)
    {
        _padded = FoldedRows.Padded(layout.LineCount);
        _reader = new MatrixReader(layout);
        _memory = new AlignedMemory(2 * _padded * sizeof(float));
        _largestCodes = _memory.Floats;
        _rounded = (int*)(_largestCodes + _padded);
    }

    /// <inheritdoc/>
    public override void Open(byte* matrix)
    {
        _reader.Open(matrix);
        (Counts, Offsets) = (_reader.Counts, _reader.Offsets);
        LeaveOut(Counts.Quantized, Layout.LineCount);
        ReadLines(0, Counts.Fourth, AffineLine.MaxCode(4));
        ReadLines(Counts.Fourth, Counts.Third, AffineLine.MaxCode(3));
        ReadLines(Counts.Third, Counts.Quantized, AffineLine.MaxCode(2));
        CentreLinesOfEightBits();
    }

    /// <inheritdoc/>
    public override void Fold(float* x, nint xStride, int rows, float squareFactor, FoldedRows folded)
    {
        float safeCode = SafeCode();
        if (safeCode < LeastCode)
        {
            FillPairCodes();
        }

        for (int row = 0; row < FoldedRows.MostRows; row++)
        {
            float* products = Products + row * _padded;
            folded.Constants[row] = Scale(x + Math.Min(row, rows - 1) * xStride, products, squareFactor, out float largest);
            folded.Units[row] = Unit(largest, safeCode, products);
        }

        Round(folded);
        ToStorageOrder(folded.Codes, folded.Stride);
        for (int row = 0; row < rows; row++)
        {
            FoldUpperBits(Products + row * _padded, row, folded);
        }
    }

    /// <inheritdoc/>
    protected override int LineAt(int place) => _reader.Order[place];

    /// <inheritdoc/>
    protected override void FillPairCodes()
    {
        ReadOnlySpan<ushort> order = _reader.Order;
        for (int place = 0; place < order.Length; place++)
        {
            int line = order[place];
            bool isLower = place % BitPlane.QuadLines < BitPlane.QuadLines / 2;
            LowerPairCodes[line] = isLower ? _largestCodes[line] : 0;
            UpperPairCodes[line] = isLower ? 0 : _largestCodes[line];
        }
    }

    private void LeaveOut(int firstPlace, int endPlace)
    {
        foreach (ushort line in _reader.Order[firstPlace..endPlace])
        {
            Scales[line] = Centres[line] = _largestCodes[line] = 0;
        }
    }

    private void ReadLines(int firstPlace, int endPlace, float largestCode)
    {
        ReadOnlySpan<ushort> order = _reader.Order[firstPlace..endPlace];
        ReadOnlySpan<float> scales = _reader.Scales[firstPlace..endPlace], zeros = _reader.Zeros[firstPlace..endPlace];
        for (int place = 0; place < order.Length; place++)
        {
            int line = order[place];
            Scales[line] = scales[place];
            Centres[line] = zeros[place] + scales[place] * (largestCode / 2);
            _largestCodes[line] = largestCode;
        }
    }

    /// <summary>Writes x · scale; returns Σ x · centre less the squares.</summary>
    private float Scale(float* x, float* products, float squareFactor, out float largest)
    {
        Vector256<float> magnitudes = default, sums = default, squares = default;
        for (int i = 0; i < Layout.LineCount; i += Vector256<float>.Count)
        {
            Vector256<float> values = Vector256.Load(x + i);
            Vector256<float> scaled = values * Vector256.Load(Scales + i);
            scaled.Store(products + i);
            magnitudes = Floats.Max(magnitudes, Vector256.Abs(scaled));
            sums = Vector256.MultiplyAddEstimate(values, Vector256.Load(Centres + i), sums);
            squares = Vector256.MultiplyAddEstimate(scaled, scaled, squares);
        }

        largest = Floats.Largest(magnitudes);
        return Vector256.Sum(sums - squares * squareFactor);
    }

    /// <summary>Writes the nearest integers of all rows' products / unit, and takes unit · Σ integer · largest code / 2 off the rows' constants.</summary>
    private void Round(FoldedRows folded)
    {
        float* p0 = Products, p1 = p0 + _padded, p2 = p1 + _padded, p3 = p2 + _padded;
        float* units = folded.Units;
        Vector256<float> u0 = Inverse(units[0]), u1 = Inverse(units[1]), u2 = Inverse(units[2]), u3 = Inverse(units[3]);
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (int i = 0; i < Layout.LineCount; i += Vector256<float>.Count)
        {
            Vector256<float> largest = Vector256.Load(_largestCodes + i);
            Vector256<int> codes = Round(p0 + i, u0, largest, ref s0)
                | (Round(p1 + i, u1, largest, ref s1) << 8)
                | (Round(p2 + i, u2, largest, ref s2) << 16)
                | (Round(p3 + i, u3, largest, ref s3) << 24);
            codes.Store(_rounded + i);
        }

        folded.Constants[0] -= units[0] / 2 * Vector256.Sum(s0);
        folded.Constants[1] -= units[1] / 2 * Vector256.Sum(s1);
        folded.Constants[2] -= units[2] / 2 * Vector256.Sum(s2);
        folded.Constants[3] -= units[3] / 2 * Vector256.Sum(s3);
    }

    /// <summary>The nearest integers, in the lowest byte of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(float* products, Vector256<float> inverse, Vector256<float> largestCodes, ref Vector256<float> sums)
    {
        Vector256<float> moved = Vector256.MultiplyAddEstimate(Vector256.Load(products), inverse, Vector256.Create(Rounder));
        sums = Vector256.MultiplyAddEstimate(moved - Vector256.Create(Rounder), largestCodes, sums);
        return moved.AsInt32() & Vector256.Create(0xFF);
    }

    private static Vector256<float> Inverse(float unit) => Vector256.Create(unit > LeastUnit ? 1 / unit : 0);

    /// <summary>Brings the integers to storage order, and from four rows a line to four lines a row.</summary>
    private void ToStorageOrder(sbyte* places, int stride)
    {
        ReadOnlySpan<ushort> order = _reader.Order;
        for (int place = 0; place < order.Length; place += BitPlane.QuadLines)
        {
            Vector128<int> quad = Vector128.Create(_rounded[order[place]], _rounded[order[place + 1]], _rounded[order[place + 2]], _rounded[order[place + 3]]);
            Vector128<int> rows = Vector128.Shuffle(quad.AsByte(), Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)).AsInt32();
            *(int*)(places + place) = rows[0];
            *(int*)(places + stride + place) = rows[1];
            *(int*)(places + 2 * stride + place) = rows[2];
            *(int*)(places + 3 * stride + place) = rows[3];
        }
    }
}
