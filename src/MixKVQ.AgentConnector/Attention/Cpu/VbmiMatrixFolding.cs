using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Opens and folds with AVX-512 VBMI2: the counting sort of lines by width is a compression of line numbers by each width's mask, its inverse an expansion,
/// and bytes move between the two orders by permutation.
/// </summary>
internal sealed unsafe partial class VbmiMatrixFolding : MatrixFolding
{
    /// <summary>Lines that a byte can number.</summary>
    public const int MostLines = 256;

    private const int Chunk = 64;

    private readonly AlignedMemory _bytes;
    private readonly byte* _ranks;
    private readonly byte* _largestCodes;
    private readonly byte* _scales;
    private readonly byte* _zeros;
    private readonly byte* _sorted;
    private readonly byte* _rounded;
    private readonly byte* _order;
    private readonly int _padded;

    /// <summary>For each width from the widest on, lines that are not quantized last: its palette index.</summary>
    private readonly int[] _storageOrder;
    private readonly Vector512<byte> _codesOfIndices;

    public VbmiMatrixFolding(MatrixLayout layout)
        : base(layout)
    {
        _padded = FoldedRows.Padded(layout.LineCount);
        _bytes = new AlignedMemory(13 * _padded + Chunk);
        _ranks = _bytes.Start;
        _largestCodes = _ranks + _padded;
        _scales = _largestCodes + _padded;
        _zeros = _scales + 2 * _padded;
        _sorted = _zeros + 2 * _padded;
        _rounded = _sorted + 2 * _padded;
        _order = _rounded + FoldedRows.MostRows * _padded;
        for (int i = 0; i < _padded; i++)
        {
            _order[i] = _ranks[i] = (byte)i;
        }

        ReadOnlySpan<byte> palette = layout.Palette.Widths.AsSpan();
        _storageOrder = [.. Enumerable.Range(0, palette.Length).OrderByDescending(index => layout.Palette.Widths[index] % WidthPalette.Full)];
        Counts = layout.UniformCounts(layout.Palette.Base);
        new Span<byte>(_largestCodes, layout.LineCount).Fill(LargestCode(layout.Palette.Base));
        uint codes = 0;
        for (int index = 0; index < palette.Length; index++)
        {
            codes |= (uint)LargestCode(palette[index]) << (8 * index);
        }

        _codesOfIndices = Vector512.Create(codes).AsByte();
    }

    /// <inheritdoc/>
    public override void Open(byte* matrix)
    {
        if (Layout.Palette.IndexBits > 0)
        {
            Sort(matrix + Layout.UnitBytes);
        }

        int zeroBytes = Layout.Palette.HasQuantized ? ((int*)matrix)[3] : 1;
        Offsets = Layout.Offsets(Counts, zeroBytes);
        if (Layout.Palette.HasQuantized)
        {
            ReadLines(matrix, zeroBytes);
        }
    }

    /// <inheritdoc/>
    protected override int LineAt(int place) => _order[place];

    /// <inheritdoc/>
    protected override void FillPairCodes()
    {
        for (int i = 0; i < _padded; i += Vector512<float>.Count)
        {
            Vector512<int> upperPair = Avx512F.ConvertToVector512Int32(Vector128.Load(_ranks + i)) & Vector512.Create(2);
            Vector512<float> codes = Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(_largestCodes + i)));
            Vector512<float> lower = codes & Vector512.Equals(upperPair, Vector512<int>.Zero).AsSingle();
            lower.Store(LowerPairCodes + i);
            (codes - lower).Store(UpperPairCodes + i);
        }
    }

    /// <summary>The largest code of a width's lowest four bits; 0 where lines are not quantized.</summary>
    private static byte LargestCode(int width) => width == WidthPalette.Full ? (byte)0 : (byte)AffineLine.MaxCode(Math.Min(width, 4));

    /// <summary>Finds counts, order and ranks from the widths, 2 bits a line.</summary>
    private void Sort(byte* widths)
    {
        byte* indices = _sorted;
        for (int start = 0; start < _padded; start += Chunk)
        {
            Vector512<byte> chunk = Indices(widths, start);
            chunk.Store(indices + start);
            Avx512BW.Shuffle(_codesOfIndices, chunk).Store(_largestCodes + start);
        }

        (int third, int fourth, int eight, int quantized, int place) = (0, 0, 0, 0, 0);
        Vector512<byte> lanes = Vector512<byte>.Indices;
        foreach (int index in _storageOrder)
        {
            // By ascending place, for each stores 64 bytes, whatever follows its members.
            for (int start = 0; start < _padded; start += Chunk)
            {
                Vector512<byte> members = Vector512.Equals(Vector512.Load(indices + start), Vector512.Create((byte)index));
                Avx512Vbmi2.Compress(Vector512<byte>.Zero, members, lanes + Vector512.Create((byte)start)).Store(_order + place);
                Avx512Vbmi2.Expand(Vector512.Load(_ranks + start), members, lanes + Vector512.Create((byte)place)).Store(_ranks + start);
                place += BitOperations.PopCount(members.ExtractMostSignificantBits());
            }

            int width = Layout.Palette.Widths[index];
            quantized = width != WidthPalette.Full ? place : quantized;
            eight = width == 8 ? place : eight;
            fourth = width is 4 or 8 ? place : fourth;
            third = width is 3 or 4 or 8 ? place : third;
        }

        Counts = new WidthCounts(quantized, third, fourth, eight, Layout.LineCount - quantized);
    }

    /// <summary>The palette indices of 64 lines, 2 bits each in memory; none that there is for lines beyond the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<byte> Indices(byte* widths, int start)
    {
        // Each 64-bit lane gets the two bytes of its eight lines, and each of its bytes the bits of its line.
        Vector512<ulong> eights = Avx512F.ConvertToVector512UInt64(Vector128.Load((ushort*)(widths + start / 4)));
        Vector512<byte> indices = Avx512Vbmi.MultiShift(Vector512.Create(0x0E0C_0A08_0604_0200UL).AsByte(), eights) & Vector512.Create((byte)3);
        Vector512<byte> isBeyond = Vector512.GreaterThanOrEqual(Vector512<byte>.Indices, Vector512.Create((byte)Math.Min(Layout.LineCount - start, Chunk)));
        return indices | isBeyond;
    }
}
