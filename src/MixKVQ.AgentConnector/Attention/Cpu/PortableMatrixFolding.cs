using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Opens matrices line by line, in plain code, and folds in portable vectors.</summary>
internal sealed unsafe class PortableMatrixFolding : MatrixFolding
{
    /// <summary>Four counts, one for each palette index, stand in 16 bits each of an integer.</summary>
    private const int CountBits = 16;

    private readonly ushort[] _order;
    private readonly AlignedMemory _largestCodes;
    private readonly AlignedMemory _codes;
    private readonly float[] _codesOfIndices;

    public PortableMatrixFolding(MatrixLayout layout)
        : base(layout)
    {
        int padded = FoldedRows.Padded(layout.LineCount);
        _order = new ushort[layout.LineCount];
        _largestCodes = new AlignedMemory(padded * sizeof(float));
        _codes = new AlignedMemory(padded);
        _codesOfIndices = [.. layout.Palette.Widths.Select(width => width <= 4 ? AffineLine.MaxCode(width) : 0f)];
    }

    /// <inheritdoc/>
    public override void Open(byte* matrix)
    {
        ulong next = ReadWidths(matrix + Layout.UnitBytes);
        int zeroBytes = Layout.Palette.HasQuantized ? ((int*)matrix)[3] : 1;
        Offsets = Layout.Offsets(Counts, zeroBytes);
        float scaleUnit = *(float*)matrix;
        var grid = new ZeroGrid(((float*)matrix)[1], ((float*)matrix)[2], zeroBytes);
        byte* scales = matrix + Offsets.Scales, zeros = matrix + Offsets.Zeros;
        (int lineCount, int scaleBytes) = (_order.Length, Layout.ScaleBytes);
        float* steps = Scales, centres = Centres, largestCodes = _largestCodes.Floats;
        byte* indices = _codes.Start;
        for (int line = 0; line < lineCount; line++)
        {
            int shift = CountBits * indices[line];
            int place = (int)(next >> shift) & 0xFFFF;
            next += 1UL << shift;
            _order[place] = (ushort)line;
            float largest = _codesOfIndices[indices[line]];
            float scale = largest == 0 ? 0 : ScaleCode.Decode(scaleBytes == 1 ? scales[place] : ((ushort*)scales)[place], scaleUnit, scaleBytes);
            float zero = largest == 0 ? 0 : grid.Decode(zeroBytes == 1 ? zeros[place] : ((ushort*)zeros)[place]);
            steps[line] = scale;
            centres[line] = zero + scale * largest / 2;
            largestCodes[line] = largest;
        }
    }

    /// <inheritdoc/>
    public override void Fold(float* x, nint xStride, int rows, float squareFactor, FoldedRows folded)
    {
        float safeCode = SafeCode();
        if (safeCode < LeastCode)
        {
            FillPairCodes();
        }

        for (int row = 0; row < rows; row++)
        {
            float* products = Products + row * folded.Stride;
            folded.Constants[row] = Scale(x + row * xStride, products, squareFactor, out float largest);
            folded.Units[row] = Unit(largest, safeCode, products);
        }

        for (int row = 0; row < rows; row++)
        {
            folded.Constants[row] -= folded.Units[row] / 2 * Round(Products + row * folded.Stride, folded.Units[row]);
            ToStorageOrder(folded.Codes + row * folded.Stride);
        }
    }

    /// <inheritdoc/>
    protected override void FillPairCodes()
    {
        for (int place = 0; place < _order.Length; place++)
        {
            int line = _order[place];
            bool isLower = place % BitPlane.QuadLines < BitPlane.QuadLines / 2;
            LowerPairCodes[line] = isLower ? _largestCodes.Floats[line] : 0;
            UpperPairCodes[line] = isLower ? 0 : _largestCodes.Floats[line];
        }
    }

    /// <summary>Finds the lines' palette indices and the counts; returns the first place of each index.</summary>
    private ulong ReadWidths(byte* widths)
    {
        byte* indices = _codes.Start;
        ulong counts = 0;
        bool isChoice = Layout.Palette.IndexBits > 0;
        for (int line = 0; line < _order.Length; line++)
        {
            int index = isChoice ? (widths[line / 4] >> (2 * (line % 4))) & 3 : 0;
            indices[line] = (byte)index;
            counts += 1UL << (CountBits * index);
        }

        ReadOnlySpan<byte> palette = Layout.Palette.Widths.AsSpan();
        (int eight, int fourth, int third, int quantized) = (0, 0, 0, 0);
        ulong first = 0;
        for (int index = palette.Length - 1; index >= 0; index--)
        {
            int count = (int)(counts >> (CountBits * index)) & 0xFFFF;
            int width = palette[index];
            if (width == WidthPalette.Full)
            {
                first |= (ulong)(_order.Length - count) << (CountBits * index);
                continue;
            }

            first |= (ulong)quantized << (CountBits * index);
            quantized += count;
            eight += width == 8 ? count : 0;
            fourth += width >= 4 ? count : 0;
            third += width >= 3 ? count : 0;
        }

        Counts = new WidthCounts(quantized, third, fourth, eight, _order.Length - quantized);
        return first;
    }

    /// <summary>Writes x · scale; returns Σ x · centre less the squares.</summary>
    private float Scale(float* x, float* products, float squareFactor, out float largest)
    {
        Vector256<float> magnitudes = default, sums = default, squares = default;
        for (int i = 0; i < _order.Length; i += Vector256<float>.Count)
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

    /// <summary>Writes the nearest integers of products / unit; returns Σ integer · largest code.</summary>
    private float Round(float* products, float unit)
    {
        Vector256<float> rounder = Vector256.Create(Rounder), sums = default;
        Vector256<float> inverse = Vector256.Create(unit > 0 ? 1 / unit : 0);
        for (int i = 0; i < _order.Length; i += Vector256<float>.Count)
        {
            Vector256<float> moved = Vector256.MultiplyAddEstimate(Vector256.Load(products + i), inverse, rounder);
            sums = Vector256.MultiplyAddEstimate(moved - rounder, Vector256.Load(_largestCodes.Floats + i), sums);
            StoreLowBytes(moved.AsInt32(), (sbyte*)_codes.Start + i);
        }

        return Vector256.Sum(sums);
    }

    private void ToStorageOrder(sbyte* places)
    {
        sbyte* lines = (sbyte*)_codes.Start;
        for (int place = 0; place < _order.Length; place++)
        {
            places[place] = lines[_order[place]];
        }
    }

    private static void StoreLowBytes(Vector256<int> numbers, sbyte* bytes)
    {
        if (Avx512F.VL.IsSupported)
        {
            *(long*)bytes = Avx512F.VL.ConvertToVector128SByte(numbers).AsInt64().ToScalar();
            return;
        }

        Vector128<short> shorts = Vector128.Narrow(numbers.GetLower(), numbers.GetUpper());
        *(long*)bytes = Vector128.Narrow(shorts, shorts).AsInt64().ToScalar();
    }
}
