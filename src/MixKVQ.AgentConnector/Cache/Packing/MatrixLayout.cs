namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// How a matrix of lines lies in a page. Keys: a line is a channel, its elements the page's 128 tokens. Values, a matrix for each group of channels:
/// a line is a token, its elements the group's channels. Each quantized line has an own width, scale and zero: element = zero + scale · code.
/// <code>
///   units     16 bytes                   scale unit f32 | zero origin f32 | zero unit f32 | bytes of a zero u32   only where a line may be quantized
///   widths    N · 2 bits                 index of line i's width in the palette, bits 2·(i % 4) of byte i / 4     only where there is a choice
///   scales    n · 1 or 2 bytes           below here lines stand in storage order: widest first (8, 4, 3, 2, full), by index within a width
///   zeros     n · 1 or 2 bytes
///   padding   to a multiple of 16
///   low       ⌈n/4⌉ · M bytes            bits 0, 1 of the codes of the n quantized lines, four lines together: a quad, see <see cref="BitPlane"/>
///   third     ⌈n(3, 4, 8 bits)/4⌉ · M/2  bit 2
///   fourth    ⌈n(4, 8 bits)/4⌉ · M/2     bit 3
///   high      ⌈n(8 bits)/4⌉ · 2·M        bits 4 … 7
///   full      n(full) · M · 2 or 4       elements in the model's type
///   padding   to a multiple of 16
/// </code>
/// Quad q holds storage lines 4q … 4q + 3 in every plane. Lines that a plane's last quad has beyond the plane's lines have bits 0 there.
/// The order (the permutation) is not stored: it follows from the widths by a counting sort, which takes 2 bits a line instead of 8.
/// Each plane begins with storage line 0, so that a kernel addresses quad q of every plane alike and never branches on a line's width.
/// A matrix begins at a multiple of 16 bytes.
/// </summary>
/// <param name="LineCount">N, lines of the matrix; a multiple of 4.</param>
/// <param name="LineLength">M, elements of a line; a multiple of 8.</param>
/// <param name="Palette">Widths a line may have.</param>
/// <param name="ScaleBytes">Bytes of a stored scale: 1 or 2, see <see cref="ScaleCode"/>.</param>
/// <param name="Format">Type of elements that are not quantized.</param>
internal sealed record MatrixLayout(int LineCount, int LineLength, WidthPalette Palette, int ScaleBytes, ElementFormat Format)
{
    /// <summary>A matrix, and the first of its planes, begin at a multiple of so many bytes.</summary>
    public const int Alignment = 16;

    /// <summary>Bytes before the widths.</summary>
    public int UnitBytes => Palette.HasQuantized ? 4 * sizeof(float) : 0;

    /// <summary>Bytes of the widths.</summary>
    public int WidthBytes => LineCount * Palette.IndexBits / 8;

    /// <summary>The next multiple of <see cref="Alignment"/>.</summary>
    public static int Align(int bytes) => (bytes + Alignment - 1) & -Alignment;

    /// <summary>Where each part begins, in bytes from the matrix's start.</summary>
    public MatrixOffsets Offsets(WidthCounts counts, int zeroBytes)
    {
        int scales = UnitBytes + WidthBytes;
        int zeros = scales + counts.Quantized * ScaleBytes;
        int zerosEnd = zeros + counts.Quantized * zeroBytes;
        int low = Align(zerosEnd);
        int third = low + BitPlane.Bytes(counts.Quantized, LineLength, 2);
        int fourth = third + BitPlane.Bytes(counts.Third, LineLength, 1);
        int high = fourth + BitPlane.Bytes(counts.Fourth, LineLength, 1);
        int full = high + BitPlane.Bytes(counts.Eight, LineLength, 4);
        int fullEnd = full + counts.Full * LineLength * Format.Bytes();
        return new MatrixOffsets(UnitBytes, scales, zeros, zerosEnd, low, third, fourth, high, full, fullEnd, Align(fullEnd));
    }

    /// <summary>Bytes that a matrix of which no line is full grows by where lines are widened.</summary>
    public int GrowthBytes(WidthCounts before, WidthCounts after) => Align(PlaneBytes(after)) - Align(PlaneBytes(before));

    /// <summary>How many lines have at least each width where all have the same.</summary>
    public WidthCounts UniformCounts(int width) => width == WidthPalette.Full
        ? new WidthCounts(0, 0, 0, 0, LineCount)
        : new WidthCounts(LineCount, width >= 3 ? LineCount : 0, width >= 4 ? LineCount : 0, width >= 8 ? LineCount : 0, 0);

    /// <summary>Bytes of the matrix where every line has the base width.</summary>
    public int BaseBytes(int zeroBytes) => Offsets(UniformCounts(Palette.Base), zeroBytes).End;

    /// <summary>Bytes that no matrix of this layout exceeds: every line has the widest width, and zeros are as wide as they get.</summary>
    public int MaxBytes
    {
        get
        {
            MatrixOffsets widest = Offsets(UniformCounts(Palette.Widths[^1]), sizeof(ushort));
            return Palette.HasQuantized ? widest.End - widest.Low + Offsets(UniformCounts(Palette.Base), sizeof(ushort)).Low : widest.End;
        }
    }

    private int PlaneBytes(WidthCounts counts) => BitPlane.Bytes(counts.Quantized, LineLength, 2) + BitPlane.Bytes(counts.Third, LineLength, 1)
        + BitPlane.Bytes(counts.Fourth, LineLength, 1) + BitPlane.Bytes(counts.Eight, LineLength, 4);
}
