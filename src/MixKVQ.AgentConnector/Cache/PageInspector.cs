using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// Tells whether bytes from a stranger are a page that a <see cref="PageSealer"/> of this layout could have sealed. Kernels trust a page: they read with raw
/// pointers where its header, widths and units send them. Safe for concurrent callers.
/// </summary>
/// <param name="layout">The pages' layout.</param>
/// <param name="scaleBytes">Bytes of a stored scale and the most bytes of a stored zero: 1 or 2.</param>
/// <param name="fixedPageBytes">Bytes of every page, or null where a page takes what its plan needs.</param>
internal sealed class PageInspector(PackedPageLayout layout, int scaleBytes, int? fixedPageBytes)
{
    private readonly MatrixInspector _keys = new(layout.Keys, scaleBytes, 2);
    private readonly MatrixInspector _values = new(layout.Values, scaleBytes, scaleBytes);

    /// <summary>Checks a page's length, before memory is taken for it.</summary>
    /// <exception cref="InvalidDataException">No page has this length.</exception>
    public void RequireLength(int bytes)
    {
        int most = fixedPageBytes ?? PagePool.SlabBytesFor(layout.MaxBytes);
        int least = fixedPageBytes ?? PagePool.SlabBytesFor(layout.HeaderBytes);
        if (bytes < least || bytes > most || bytes % PagePool.Granularity != 0)
        {
            throw new InvalidDataException(
                $"A page of {bytes} bytes cannot be read: pages of this cache have {(least == most ? $"{most}" : $"{least} to {most}, a multiple of {PagePool.Granularity}")}.");
        }
    }

    /// <summary>Checks a page and tells how its slab divides.</summary>
    /// <param name="slab">Of a length that was checked.</param>
    /// <exception cref="InvalidDataException">It is no such page; the message says why.</exception>
    public PageContents Inspect(ReadOnlySpan<byte> slab)
    {
        int at = layout.HeaderBytes;
        var contents = new PageContents(0, 0, layout.OffsetBytes, at - layout.OffsetBytes);
        if (slab[layout.OffsetBytes..at].IndexOfAnyExcept((byte)0) >= 0)
        {
            throw new InvalidDataException("The page's header has padding that is not zero.");
        }

        for (int block = 0; block < layout.Geometry.BlockCount; block++)
        {
            contents += Inspect(slab, block, _keys, "keys", layout.KeysOffset(slab, block), ref at);
            for (int group = 0; group < layout.ValueGroupCount; group++)
            {
                contents += Inspect(slab, block, _values, "values", layout.ValuesOffset(slab, block, group), ref at);
            }
        }

        int padding = slab.Length - at;
        if ((fixedPageBytes is null && padding >= PagePool.Granularity) || slab[at..].IndexOfAnyExcept((byte)0) >= 0)
        {
            throw new InvalidDataException($"The page's last block ends after {at} of {slab.Length} bytes, and what follows is no padding.");
        }

        return contents with { PaddingBytes = contents.PaddingBytes + padding };
    }

    private PageContents Inspect(ReadOnlySpan<byte> slab, int block, MatrixInspector inspector, string part, int offset, ref int at)
    {
        (int layer, int head) = Math.DivRem(block, layout.Geometry.KeyValueHeadCount);
        if (offset != at)
        {
            throw new InvalidDataException($"Layer {layer}, KV head {head}: the page's header places the {part} at byte {(uint)offset}; they belong at {at}.");
        }

        if (inspector.FindFault(slab[at..], out MatrixOffsets offsets) is string fault)
        {
            throw new InvalidDataException($"Layer {layer}, KV head {head}: the page's {part} {fault}.");
        }

        at += offsets.End;
        return offsets.Contents;
    }
}
