using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Where the matrices of a page go whose lines' widths are planned.</summary>
/// <param name="Offsets">Each matrix's first byte in the slab, as the page's header has them.</param>
/// <param name="UsedBytes">Bytes of the header and the matrices.</param>
internal sealed record PlannedPage(int[] Offsets, int UsedBytes)
{
    private PageContents _used;

    /// <summary>Lays matrices out one after the other.</summary>
    /// <param name="layout">How pages are laid out.</param>
    /// <param name="page">As measured.</param>
    /// <param name="valueZeroBytes">Bytes of a zero of the values.</param>
    /// <param name="widths">A width for each of the page's lines.</param>
    public static PlannedPage Of(PackedPageLayout layout, PageStatistics page, int valueZeroBytes, ReadOnlySpan<byte> widths)
    {
        int bytes = layout.HeaderBytes;
        var contents = new PageContents(0, 0, layout.OffsetBytes, bytes - layout.OffsetBytes);
        int[] offsets = new int[layout.Geometry.BlockCount * layout.MatricesPerBlock];
        for (int matrix = 0, line = 0; matrix < offsets.Length; matrix++)
        {
            (int block, int part) = Math.DivRem(matrix, layout.MatricesPerBlock);
            MatrixLayout lines = part == 0 ? layout.Keys : layout.Values;
            MatrixOffsets parts = lines.Offsets(WidthCounts.Of(widths.Slice(line, lines.LineCount)), part == 0 ? page.KeyZeroBytes[block] : valueZeroBytes);
            contents += parts.Contents;
            offsets[matrix] = bytes;
            bytes += parts.End;
            line += lines.LineCount;
        }

        return new PlannedPage(offsets, bytes) { _used = contents };
    }

    /// <summary>Bytes of the slab to take: those of every page where these are fixed.</summary>
    /// <exception cref="InvalidOperationException">The plan takes more than there are.</exception>
    public int SlabBytes(int? fixedBytes) => UsedBytes <= (fixedBytes ?? UsedBytes)
        ? fixedBytes ?? UsedBytes
        : throw new InvalidOperationException($"A plan takes {UsedBytes} bytes, but a page has {fixedBytes}.");

    /// <summary>How the bytes of a slab of this size divide.</summary>
    public PageContents Contents(int slabBytes) => _used with { PaddingBytes = _used.PaddingBytes + slabBytes - UsedBytes };
}
