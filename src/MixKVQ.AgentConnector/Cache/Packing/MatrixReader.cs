namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// Reads a packed matrix, see <see cref="MatrixLayout"/>. <see cref="Open"/> decodes what every use needs, the order, scales and zeros, into memory that is reused;
/// planes are read in place. One thread at a time; valid while the page is held.
/// </summary>
internal sealed unsafe class MatrixReader(MatrixLayout layout)
{
    private readonly ushort[] _order = new ushort[layout.LineCount];
    private readonly float[] _scales = new float[layout.LineCount];
    private readonly float[] _zeros = new float[layout.LineCount];
    private readonly uint[] _codes = new uint[layout.LineLength];
    private byte* _start;
    private int _readQuad;

    /// <summary>The matrix's shape and widths.</summary>
    public MatrixLayout Layout => layout;

    /// <summary>How many lines have at least each width, and quads each plane.</summary>
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

    /// <summary>The plane of bits 0 and 1, M bytes a quad.</summary>
    public byte* Low => _start + Offsets.Low;

    /// <summary>The plane of bit 2, M/2 bytes a quad.</summary>
    public byte* Third => _start + Offsets.Third;

    /// <summary>The plane of bit 3, M/2 bytes a quad.</summary>
    public byte* Fourth => _start + Offsets.Fourth;

    /// <summary>The plane of bits 4 to 7, 2·M bytes a quad.</summary>
    public byte* High => _start + Offsets.High;

    /// <summary>The lines that are not quantized, M elements each, in the model's type.</summary>
    public byte* Full => _start + Offsets.Full;

    /// <summary>Turns to the matrix that begins at <paramref name="start"/>.</summary>
    public void Open(byte* start)
    {
        _start = start;
        _readQuad = -1;
        Counts = StorageOrder.Read(new ReadOnlySpan<byte>(start + layout.UnitBytes, layout.WidthBytes), layout.Palette, _order);
        if (!layout.Palette.HasQuantized)
        {
            Offsets = layout.Offsets(Counts, 1);
            return;
        }

        float scaleUnit = *(float*)start;
        var grid = new ZeroGrid(((float*)start)[1], ((float*)start)[2], ((int*)start)[3]);
        Offsets = layout.Offsets(Counts, grid.Bytes);
        ScaleCode.Decode(new ReadOnlySpan<byte>(start + Offsets.Scales, Offsets.Zeros - Offsets.Scales), scaleUnit, layout.ScaleBytes, _scales.AsSpan(0, Counts.Quantized));
        grid.Decode(new ReadOnlySpan<byte>(start + Offsets.Zeros, Offsets.ZerosEnd - Offsets.Zeros), _zeros.AsSpan(0, Counts.Quantized));
    }

    /// <summary>Writes a quad's codes, [M], those of its four lines in the bytes of each, the first in the lowest.</summary>
    public void ReadQuad(int quad, Span<uint> codes)
    {
        codes = codes[..layout.LineLength];
        codes.Clear();
        BitPlane.Unpack(Plane(Offsets.Low, quad, 2), 0, 2, codes);
        if (quad < Counts.ThirdQuads)
        {
            BitPlane.Unpack(Plane(Offsets.Third, quad, 1), 2, 1, codes);
        }

        if (quad < Counts.FourthQuads)
        {
            BitPlane.Unpack(Plane(Offsets.Fourth, quad, 1), 3, 1, codes);
        }

        if (quad < Counts.EightQuads)
        {
            BitPlane.Unpack(Plane(Offsets.High, quad, 4), 4, 4, codes);
        }
    }

    /// <summary>Writes the elements of the line at a place of the storage order, dequantized where it is quantized.</summary>
    public void ReadLine(int place, Span<float> elements)
    {
        elements = elements[..layout.LineLength];
        if (place >= Counts.Quantized)
        {
            int lineBytes = layout.LineLength * layout.Format.Bytes();
            layout.Format.Read(new ReadOnlySpan<byte>(Full + (place - Counts.Quantized) * lineBytes, lineBytes), elements);
            return;
        }

        ReadCodes(place, elements);
        (float scale, float zero) = (_scales[place], _zeros[place]);
        foreach (ref float element in elements)
        {
            element = zero + scale * element;
        }
    }

    /// <summary>Writes the codes of the quantized line at a place of the storage order.</summary>
    public void ReadCodes(int place, Span<float> codes)
    {
        (int quad, int line) = Math.DivRem(place, BitPlane.QuadLines);
        if (_readQuad != quad)
        {
            ReadQuad(quad, _codes);
            _readQuad = quad;
        }

        for (int i = 0; i < _codes.Length; i++)
        {
            codes[i] = (byte)(_codes[i] >> (8 * line));
        }
    }

    private ReadOnlySpan<uint> Plane(int offset, int quad, int bits)
    {
        int quadBytes = BitPlane.QuadBytes(layout.LineLength, bits);
        return new ReadOnlySpan<uint>(_start + offset + quad * quadBytes, quadBytes / sizeof(uint));
    }
}
