namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// How a matrix of lines lies in a page. Keys: a line is a channel, its elements the page's 128 tokens. Values: a line is a token's group of channels.
/// Each quantized line has an own width, scale and zero: element = zero + scale · code.
/// <code>
///   units     13 bytes                   scale unit f32 | zero origin f32 | zero unit f32 | bytes of a zero u8    only where a line may be quantized
///   widths    N · 2 bits                 index of line i's width in the palette, bits 2·(i % 4) of byte i / 4     only where there is a choice
///   scales    n · 1 or 2 bytes           below here lines stand in storage order: widest first (8, 4, 3, 2, full), by index within a width
///   zeros     n · 1 or 2 bytes
///   low       n · M/4 bytes              bits 0, 1 of the codes of the n quantized lines
///   third     n(3, 4, 8 bits) · M/8      bit 2
///   fourth    n(4, 8 bits) · M/8         bit 3
///   high      n(8 bits) · M/2            bits 4 … 7
///   full      n(full) · M · 2 or 4       elements in the model's type
/// </code>
/// The order (the permutation) is not stored: it follows from the widths by a counting sort, which takes 2 bits a line instead of 8.
/// Each plane begins with storage line 0, so that a kernel addresses line i of every plane alike and never branches on a line's width.
/// </summary>
/// <param name="LineCount">N, lines of the matrix.</param>
/// <param name="LineLength">M, elements of a line; a multiple of 8.</param>
/// <param name="Palette">Widths a line may have.</param>
/// <param name="ScaleBytes">Bytes of a stored scale: 1 or 2, see <see cref="ScaleCode"/>.</param>
/// <param name="Format">Type of elements that are not quantized.</param>
internal sealed record MatrixLayout(int LineCount, int LineLength, WidthPalette Palette, int ScaleBytes, ElementFormat Format)
{
    /// <summary>Bytes before the widths.</summary>
    public int UnitBytes => Palette.HasQuantized ? 3 * sizeof(float) + 1 : 0;

    /// <summary>Bytes of the widths.</summary>
    public int WidthBytes => (LineCount * Palette.IndexBits + 7) / 8;

    /// <summary>Where each part begins, in bytes from the matrix's start.</summary>
    public MatrixOffsets Offsets(WidthCounts counts, int zeroBytes)
    {
        int scales = UnitBytes + WidthBytes;
        int zeros = scales + counts.Quantized * ScaleBytes;
        int low = zeros + counts.Quantized * zeroBytes;
        int third = low + counts.Quantized * BitPlane.Bytes(LineLength, 2);
        int fourth = third + counts.Third * BitPlane.Bytes(LineLength, 1);
        int high = fourth + counts.Fourth * BitPlane.Bytes(LineLength, 1);
        int full = high + counts.Eight * BitPlane.Bytes(LineLength, 4);
        int end = full + counts.Full * LineLength * Format.Bytes();
        return new MatrixOffsets(UnitBytes, scales, zeros, low, third, fourth, high, full, end);
    }

    /// <summary>Bytes of the matrix where every line has the base width.</summary>
    public int BaseBytes(int zeroBytes) =>
        Offsets(Palette.HasQuantized ? UniformCounts(Palette.Base) : new WidthCounts(0, 0, 0, 0, LineCount), zeroBytes).End;

    /// <summary>Bytes of the matrix where every line has the widest width, and zeros are as wide as they get.</summary>
    public int MaxBytes => Offsets(
        Palette.Widths[^1] == WidthPalette.Full ? new WidthCounts(0, 0, 0, 0, LineCount) : UniformCounts(Palette.Widths[^1]), sizeof(ushort)).End;

    private WidthCounts UniformCounts(int width) =>
        new(LineCount, width >= 3 ? LineCount : 0, width >= 4 ? LineCount : 0, width >= 8 ? LineCount : 0, 0);

    /// <summary>Fills <paramref name="order"/> with the line that stands at each place of the storage order.</summary>
    public static void FillOrder(ReadOnlySpan<byte> widths, Span<ushort> order)
    {
        int place = 0;
        foreach (int width in (ReadOnlySpan<int>)[8, 4, 3, 2, WidthPalette.Full])
        {
            for (int line = 0; line < widths.Length; line++)
            {
                if (widths[line] == width)
                {
                    order[place++] = (ushort)line;
                }
            }
        }
    }
}
