using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// Reads a packed matrix, see <see cref="MatrixLayout"/>. <see cref="Open"/> decodes what every use needs, the order, scales and zeros, into memory that is reused;
/// planes are read in place. One thread at a time; valid while the page is held.
/// </summary>
internal sealed unsafe class MatrixReader(MatrixLayout layout)
{
    private readonly byte[] _widths = new byte[layout.LineCount];
    private readonly ushort[] _order = new ushort[layout.LineCount];
    private readonly float[] _scales = new float[layout.LineCount];
    private readonly float[] _zeros = new float[layout.LineCount];
    private readonly byte[] _codes = new byte[layout.LineLength];
    private byte* _start;

    /// <summary>The matrix's shape and widths.</summary>
    public MatrixLayout Layout => layout;

    /// <summary>How many lines have at least each width.</summary>
    public WidthCounts Counts { get; private set; }

    /// <summary>Where the parts begin.</summary>
    public MatrixOffsets Offsets { get; private set; }

    /// <summary>The line at each place of the storage order.</summary>
    public ReadOnlySpan<ushort> Order => _order;

    /// <summary>Scales of the quantized lines, in storage order.</summary>
    public ReadOnlySpan<float> Scales => _scales.AsSpan(0, Counts.Quantized);

    /// <summary>Zeros of the quantized lines, in storage order.</summary>
    public ReadOnlySpan<float> Zeros => _zeros.AsSpan(0, Counts.Quantized);

    /// <summary>The matrix's first byte.</summary>
    public byte* Start => _start;

    /// <summary>Turns to the matrix that begins at <paramref name="start"/>.</summary>
    public void Open(byte* start)
    {
        _start = start;
        ReadWidths();
        MatrixLayout.FillOrder(_widths, _order);
        Counts = WidthCounts.Of(_widths);
        if (!layout.Palette.HasQuantized)
        {
            Offsets = layout.Offsets(Counts, 1);
            return;
        }

        float scaleUnit = *(float*)start;
        var grid = new ZeroGrid(((float*)start)[1], ((float*)start)[2], start[3 * sizeof(float)]);
        Offsets = layout.Offsets(Counts, grid.Bytes);
        for (int place = 0; place < Counts.Quantized; place++)
        {
            _scales[place] = ScaleCode.Decode(ReadCode(Offsets.Scales, place, layout.ScaleBytes), scaleUnit, layout.ScaleBytes);
            _zeros[place] = grid.Decode(ReadCode(Offsets.Zeros, place, grid.Bytes));
        }
    }

    /// <summary>Writes the codes of the quantized line at a place of the storage order.</summary>
    public void ReadCodes(int place, Span<byte> codes)
    {
        codes = codes[..layout.LineLength];
        codes.Clear();
        BitPlane.Unpack(Plane(Offsets.Low, place, 2), 0, 2, codes);
        if (place < Counts.Third)
        {
            BitPlane.Unpack(Plane(Offsets.Third, place, 1), 2, 1, codes);
        }

        if (place < Counts.Fourth)
        {
            BitPlane.Unpack(Plane(Offsets.Fourth, place, 1), 3, 1, codes);
        }

        if (place < Counts.Eight)
        {
            BitPlane.Unpack(Plane(Offsets.High, place, 4), 4, 4, codes);
        }
    }

    /// <summary>The width of a line.</summary>
    public int Width(int line) => _widths[line];

    /// <summary>Writes the elements of the line at a place of the storage order, dequantized where it is quantized.</summary>
    public void ReadLine(int place, Span<float> elements)
    {
        elements = elements[..layout.LineLength];
        if (place >= Counts.Quantized)
        {
            int lineBytes = layout.LineLength * layout.Format.Bytes();
            layout.Format.Read(new ReadOnlySpan<byte>(_start + Offsets.Full + (place - Counts.Quantized) * lineBytes, lineBytes), elements);
            return;
        }

        ReadCodes(place, _codes);
        (float scale, float zero) = (_scales[place], _zeros[place]);
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = zero + scale * _codes[i];
        }
    }

    private void ReadWidths()
    {
        if (layout.Palette.IndexBits == 0)
        {
            _widths.AsSpan().Fill(layout.Palette.Base);
            return;
        }

        byte* source = _start + layout.UnitBytes;
        ReadOnlySpan<byte> palette = layout.Palette.Widths.AsSpan();
        for (int line = 0; line < _widths.Length; line++)
        {
            _widths[line] = palette[(source[line / 4] >> (2 * (line % 4))) & 3];
        }
    }

    private int ReadCode(int offset, int place, int bytes) =>
        bytes == 1 ? _start[offset + place] : MemoryMarshal.Read<ushort>(new ReadOnlySpan<byte>(_start + offset + 2 * place, 2));

    private ReadOnlySpan<byte> Plane(int offset, int place, int bits)
    {
        int lineBytes = BitPlane.Bytes(layout.LineLength, bits);
        return new ReadOnlySpan<byte>(_start + offset + place * lineBytes, lineBytes);
    }
}
