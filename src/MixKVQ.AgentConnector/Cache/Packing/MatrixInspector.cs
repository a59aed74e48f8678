using System.Globalization;
using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// Tells whether bytes from a stranger are a matrix that a <see cref="MatrixWriter"/> of this layout could have written, so that readers, which trust a page
/// and read with raw pointers, stay inside it and meet finite numbers only. Reads nothing outside the bytes given. Safe for concurrent callers.
/// </summary>
/// <param name="layout">The matrix's layout.</param>
/// <param name="leastZeroBytes">The fewest bytes of a stored zero that a writer may choose: 1 or 2.</param>
/// <param name="mostZeroBytes">The most bytes of a stored zero that a writer may choose: 1 or 2.</param>
internal sealed class MatrixInspector(MatrixLayout layout, int leastZeroBytes, int mostZeroBytes)
{
    /// <summary>Finds where the matrix's parts lie.</summary>
    /// <param name="bytes">From the matrix's first byte on, with whatever comes after it.</param>
    /// <param name="offsets">Where the parts begin; all lie within <paramref name="bytes"/>. Without meaning where there is a fault.</param>
    /// <returns>What is wrong, to be put after a name of the matrix; null where nothing is.</returns>
    public string? FindFault(ReadOnlySpan<byte> bytes, out MatrixOffsets offsets)
    {
        offsets = default;
        int headBytes = layout.UnitBytes + layout.WidthBytes;
        if (bytes.Length < headBytes)
        {
            return $"begin {bytes.Length} bytes before the page's end, but their widths end after {headBytes}";
        }

        int zeroBytes = mostZeroBytes;
        if (layout.Palette.HasQuantized)
        {
            zeroBytes = MemoryMarshal.Read<int>(bytes[(3 * sizeof(float))..]);
            if (zeroBytes < leastZeroBytes || zeroBytes > mostZeroBytes)
            {
                return $"say that zeros take {zeroBytes} bytes; {(leastZeroBytes == mostZeroBytes ? $"{mostZeroBytes}" : $"{leastZeroBytes} or {mostZeroBytes}")} belong there";
            }
        }

        if (!TryCount(bytes.Slice(layout.UnitBytes, layout.WidthBytes), out WidthCounts counts))
        {
            return $"give a line a width that is none of {string.Join(", ", layout.Palette.Widths)}";
        }

        offsets = layout.Offsets(counts, zeroBytes);
        if (offsets.End > bytes.Length)
        {
            return $"begin {bytes.Length} bytes before the page's end, but take {offsets.End}";
        }

        return (layout.Palette.HasQuantized ? FindAffineFault(bytes, counts, offsets, zeroBytes) : null)
            ?? (layout.Format.AreFinite(bytes[offsets.Full..offsets.FullEnd]) ? null : "hold an element that is NaN or infinite")
            ?? FindPaddingFault(bytes, counts, offsets);
    }

    private bool TryCount(ReadOnlySpan<byte> widths, out WidthCounts counts)
    {
        Span<int> lines = stackalloc int[4];
        lines.Clear();
        foreach (byte four in widths)
        {
            lines[four & 3]++;
            lines[(four >> 2) & 3]++;
            lines[(four >> 4) & 3]++;
            lines[four >> 6]++;
        }

        if (layout.Palette.IndexBits == 0)
        {
            lines[0] = layout.LineCount;
        }

        ReadOnlySpan<byte> palette = layout.Palette.Widths.AsSpan();
        (int third, int fourth, int eight, int full) = (0, 0, 0, 0);
        for (int i = 0; i < palette.Length; i++)
        {
            full += palette[i] == WidthPalette.Full ? lines[i] : 0;
            third += palette[i] is 3 or 4 or 8 ? lines[i] : 0;
            fourth += palette[i] is 4 or 8 ? lines[i] : 0;
            eight += palette[i] == 8 ? lines[i] : 0;
        }

        counts = new WidthCounts(layout.LineCount - full, third, fourth, eight, full);
        return lines[palette.Length..].IndexOfAnyExcept(0) < 0;
    }

    /// <summary>Checks that what a quantized line's lowest and highest codes stand for is finite; all others lie between.</summary>
    private string? FindAffineFault(ReadOnlySpan<byte> bytes, WidthCounts counts, MatrixOffsets offsets, int zeroBytes)
    {
        ReadOnlySpan<float> units = MemoryMarshal.Cast<byte, float>(bytes[..(3 * sizeof(float))]);
        (float scaleUnit, float zeroOrigin, float zeroUnit) = (units[0], units[1], units[2]);
        if (!(scaleUnit >= 0 && zeroUnit >= 0 && float.IsFinite(scaleUnit) && float.IsFinite(zeroUnit) && float.IsFinite(zeroOrigin)))
        {
            return string.Create(CultureInfo.InvariantCulture, $"have {scaleUnit} as the unit of scales and {zeroOrigin} + {zeroUnit} · code as zeros; finite numbers belong there, units from 0 on");
        }

        var grid = new ZeroGrid(zeroOrigin, zeroUnit, zeroBytes);
        for (int place = 0; place < counts.Quantized; place++)
        {
            float scale = ScaleCode.Decode(Code(bytes[offsets.Scales..], place, layout.ScaleBytes), scaleUnit, layout.ScaleBytes);
            float zero = grid.Decode(Code(bytes[offsets.Zeros..], place, zeroBytes));
            if (!(scale >= 0 && float.IsFinite(zero) && float.IsFinite(zero + scale * AffineLine.MaxCode(counts.WidthAt(place)))))
            {
                return string.Create(CultureInfo.InvariantCulture, $"have a line with scale {scale} and zero {zero}, which stands for no finite elements");
            }
        }

        return null;
    }

    private static string? FindPaddingFault(ReadOnlySpan<byte> bytes, WidthCounts counts, MatrixOffsets offsets)
    {
        if (bytes[offsets.ZerosEnd..offsets.Low].IndexOfAnyExcept((byte)0) >= 0 || bytes[offsets.FullEnd..offsets.End].IndexOfAnyExcept((byte)0) >= 0)
        {
            return "have padding that is not zero";
        }

        return LeavesRestZero(bytes[offsets.Low..offsets.Third], counts.Quantized) && LeavesRestZero(bytes[offsets.Third..offsets.Fourth], counts.Third)
            && LeavesRestZero(bytes[offsets.Fourth..offsets.High], counts.Fourth) && LeavesRestZero(bytes[offsets.High..offsets.Full], counts.Eight)
            ? null : "have codes of lines that do not exist in a plane";
    }

    /// <summary>Whether the lines that a plane's last quad has beyond the plane's have bits 0: line l of a quad lies in bytes l, l + 4, l + 8 …</summary>
    private static bool LeavesRestZero(ReadOnlySpan<byte> plane, int lineCount)
    {
        int used = lineCount % BitPlane.QuadLines;
        if (used == 0)
        {
            return true;
        }

        ReadOnlySpan<uint> lastQuad = MemoryMarshal.Cast<byte, uint>(plane[^(plane.Length / BitPlane.Quads(lineCount))..]);
        uint rest = uint.MaxValue << (8 * used);
        foreach (uint lane in lastQuad)
        {
            if ((lane & rest) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private static int Code(ReadOnlySpan<byte> codes, int place, int bytes) =>
        bytes == 1 ? codes[place] : MemoryMarshal.Read<ushort>(codes[(2 * place)..]);
}
