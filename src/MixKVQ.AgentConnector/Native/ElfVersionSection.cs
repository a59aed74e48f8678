using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// The section <c>.gnu.version_r</c> of a 64-bit little-endian ELF image, with the string table it is linked to.
/// Every offset is checked against the image's length before it is followed.
/// </summary>
internal readonly ref struct ElfVersionSection
{
    private const int HeaderBytes = 64;
    private const int SectionHeaderBytes = 64;
    private const uint TypeGnuVersionNeed = 0x6ffffffe;

    private ElfVersionSection(ReadOnlySpan<byte> records, int recordsOffset, ReadOnlySpan<byte> names)
    {
        Records = records;
        RecordsOffset = recordsOffset;
        Names = names;
    }

    /// <summary>The section's content.</summary>
    public ReadOnlySpan<byte> Records { get; }

    /// <summary>Where <see cref="Records"/> begins in the image.</summary>
    public int RecordsOffset { get; }

    /// <summary>Zero-terminated names.</summary>
    public ReadOnlySpan<byte> Names { get; }

    /// <summary>Finds the section; <paramref name="fault"/> says why there is none.</summary>
    public static bool TryFind(ReadOnlySpan<byte> image, out ElfVersionSection section, [NotNullWhen(false)] out string? fault)
    {
        section = default;
        // Magic, class 2 (64 bit), data 1 (little-endian).
        if (image.Length < HeaderBytes || !image[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            fault = "it is not a 64-bit little-endian ELF file";
            return false;
        }

        int entryBytes = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3a..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3c..]);
        ulong tableOffset = BinaryPrimitives.ReadUInt64LittleEndian(image[0x28..]);
        if (entryBytes != SectionHeaderBytes || !TrySlice(image, tableOffset, (ulong)(entryBytes * count), out ReadOnlySpan<byte> table))
        {
            fault = "its section headers lie outside the file";
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = table.Slice(i * SectionHeaderBytes, SectionHeaderBytes);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != TypeGnuVersionNeed)
            {
                continue;
            }

            uint link = BinaryPrimitives.ReadUInt32LittleEndian(header[0x28..]);
            if (link >= count || !TryContent(image, header, out ReadOnlySpan<byte> records)
                || !TryContent(image, table.Slice((int)link * SectionHeaderBytes, SectionHeaderBytes), out ReadOnlySpan<byte> names))
            {
                fault = "its version requirements or their names lie outside the file";
                return false;
            }

            section = new ElfVersionSection(records, (int)BinaryPrimitives.ReadUInt64LittleEndian(header[0x18..]), names);
            fault = null;
            return true;
        }

        fault = "it has no version requirements";
        return false;
    }

    /// <summary>The name at an offset of <see cref="Names"/>; empty when the offset is outside or the name has no end.</summary>
    public ReadOnlySpan<byte> NameAt(uint offset)
    {
        if (offset >= (uint)Names.Length)
        {
            return default;
        }

        ReadOnlySpan<byte> rest = Names[(int)offset..];
        int end = rest.IndexOf((byte)0);
        return end < 0 ? default : rest[..end];
    }

    /// <summary>Slices without overflow; false when the slice is not wholly inside.</summary>
    public static bool TrySlice(ReadOnlySpan<byte> span, ulong offset, ulong length, out ReadOnlySpan<byte> slice)
    {
        bool inside = offset <= (ulong)span.Length && length <= (ulong)span.Length - offset;
        slice = inside ? span.Slice((int)offset, (int)length) : default;
        return inside;
    }

    private static bool TryContent(ReadOnlySpan<byte> image, ReadOnlySpan<byte> header, out ReadOnlySpan<byte> content) => TrySlice(
        image,
        BinaryPrimitives.ReadUInt64LittleEndian(header[0x18..]),
        BinaryPrimitives.ReadUInt64LittleEndian(header[0x20..]),
        out content);
}
