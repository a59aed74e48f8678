namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>How many lines of a matrix have at least a width. Lines are stored widest first, so each plane belongs to the first so many of them.</summary>
/// <param name="Quantized">Lines of 2, 3, 4 or 8 bits: those in the 2-bit plane.</param>
/// <param name="Third">Lines of 3, 4 or 8 bits: those in the third bit's plane.</param>
/// <param name="Fourth">Lines of 4 or 8 bits: those in the fourth bit's plane.</param>
/// <param name="Eight">Lines of 8 bits: those in the upper four bits' plane.</param>
/// <param name="Full">Lines that are not quantized, stored after all others.</param>
internal readonly record struct WidthCounts(int Quantized, int Third, int Fourth, int Eight, int Full)
{
    /// <summary>Quads of the 2-bit plane.</summary>
    public int Quads => BitPlane.Quads(Quantized);

    /// <summary>Quads of the third bit's plane.</summary>
    public int ThirdQuads => BitPlane.Quads(Third);

    /// <summary>Quads of the fourth bit's plane.</summary>
    public int FourthQuads => BitPlane.Quads(Fourth);

    /// <summary>Quads of the upper four bits' plane.</summary>
    public int EightQuads => BitPlane.Quads(Eight);

    /// <summary>The width of the quantized line at a place of the storage order.</summary>
    public int WidthAt(int place) => place < Eight ? 8 : place < Fourth ? 4 : place < Third ? 3 : 2;

    /// <summary>The counts once so many lines that had the next narrower width have <paramref name="width"/>: 3, 4 or 8.</summary>
    public WidthCounts Widened(int lines, int width) => width switch
    {
        3 => this with { Third = Third + lines },
        4 => this with { Fourth = Fourth + lines },
        _ => this with { Eight = Eight + lines },
    };

    /// <summary>Counts the widths of a matrix's lines.</summary>
    public static WidthCounts Of(ReadOnlySpan<byte> widths)
    {
        int eight = widths.Count((byte)8);
        int fourth = eight + widths.Count((byte)4);
        int third = fourth + widths.Count((byte)3);
        int full = widths.Count((byte)WidthPalette.Full);
        return new WidthCounts(widths.Length - full, third, fourth, eight, full);
    }
}
