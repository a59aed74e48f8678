using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// Reads and edits the version requirements of a 64-bit little-endian ELF shared object (System V gABI; the GNU
/// symbol versioning tables of the Linux Standard Base, "Symbol Versioning").
/// </summary>
/// <remarks>
/// Every offset comes from an untrusted file and is checked against the image's length before it is followed.
/// <code>
/// Verneed  (16 bytes)  u16 version  u16 count  u32 file   u32 aux    u32 next
/// Vernaux  (16 bytes)  u32 hash     u16 flags  u16 other  u32 name   u32 next
/// </code>
/// <c>file</c> and <c>name</c> are offsets into the linked string table, <c>aux</c> and <c>next</c> are relative to
/// the record that holds them.
/// </remarks>
internal static class ElfVersionRequirements
{
    /// <summary>VER_FLG_WEAK: the dynamic linker accepts a library that lacks the version.</summary>
    public const ushort WeakFlag = 0x2;

    private const int HeaderBytes = 64;
    private const int SectionHeaderBytes = 64;
    private const int RecordBytes = 16;
    private const uint SectionTypeGnuVersionNeed = 0x6ffffffe;
    private const int FlagsInVernaux = 4;

    /// <summary>
    /// Marks one version requirement as weak. Changes at most the two bytes of its flags, and nothing when it is weak already.
    /// </summary>
    /// <param name="image">The whole file; edited in place.</param>
    /// <param name="library">The SONAME the version is asked of, such as <c>libstdc++.so.6</c>.</param>
    /// <param name="version">The version, such as <c>GLIBCXX_3.4.32</c>.</param>
    /// <param name="fault">Why nothing could be marked; null on success.</param>
    /// <returns>True when the requirement exists and is weak now.</returns>
    public static bool TryMarkWeak(Span<byte> image, string library, string version, [NotNullWhen(false)] out string? fault)
    {
        if (!TryFindSections(image, out ReadOnlySpan<byte> records, out int recordsOffset, out ReadOnlySpan<byte> names, out fault))
        {
            return false;
        }

        byte[] wantedLibrary = Encoding.ASCII.GetBytes(library);
        byte[] wantedVersion = Encoding.ASCII.GetBytes(version);
        int need = 0;
        // A chain of records cannot be longer than the section has room for; more steps mean a loop.
        for (int steps = records.Length / RecordBytes; steps > 0; steps--)
        {
            if (!TryRecord(records, need, out ReadOnlySpan<byte> verneed))
            {
                fault = "its version requirements point outside their section";
                return false;
            }

            if (NameAt(names, U32(verneed, 4)).SequenceEqual(wantedLibrary)
                && FindVersion(records, names, need + (long)U32(verneed, 8), U16(verneed, 2), wantedVersion) is int aux)
            {
                Span<byte> flags = image.Slice(recordsOffset + aux + FlagsInVernaux, sizeof(ushort));
                BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(U16(flags, 0) | WeakFlag));
                fault = null;
                return true;
            }

            uint next = U32(verneed, 12);
            if (next == 0 || next > (uint)records.Length)
            {
                break;
            }

            need += (int)next;
        }

        fault = $"it does not ask for {version} of {library}";
        return false;
    }

    private static int? FindVersion(ReadOnlySpan<byte> records, ReadOnlySpan<byte> names, long offset, int count, ReadOnlySpan<byte> wanted)
    {
        for (; count > 0 && TryRecord(records, offset, out ReadOnlySpan<byte> vernaux); count--)
        {
            if (NameAt(names, U32(vernaux, 8)).SequenceEqual(wanted))
            {
                return (int)offset;
            }

            uint next = U32(vernaux, 12);
            if (next == 0)
            {
                break;
            }

            offset += next;
        }

        return null;
    }

    private static bool TryFindSections(
        ReadOnlySpan<byte> image,
        out ReadOnlySpan<byte> records,
        out int recordsOffset,
        out ReadOnlySpan<byte> names,
        [NotNullWhen(false)] out string? fault)
    {
        records = names = default;
        recordsOffset = 0;
        // 0x7f 'E' 'L' 'F', class 2 (64 bit), data 1 (little-endian).
        if (image.Length < HeaderBytes || !image[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            fault = "it is not a 64-bit little-endian ELF file";
            return false;
        }

        ulong tableOffset = BinaryPrimitives.ReadUInt64LittleEndian(image[0x28..]);
        int entryBytes = U16(image, 0x3a);
        int count = U16(image, 0x3c);
        if (entryBytes != SectionHeaderBytes || !TrySlice(image, tableOffset, (ulong)(entryBytes * count), out ReadOnlySpan<byte> table))
        {
            fault = "its section headers lie outside the file";
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> section = table.Slice(i * SectionHeaderBytes, SectionHeaderBytes);
            if (U32(section, 4) != SectionTypeGnuVersionNeed)
            {
                continue;
            }

            uint link = U32(section, 40);
            fault = "its version requirements or their names lie outside the file";
            if (link >= count || !TrySection(image, section, out records)
                || !TrySection(image, table.Slice((int)link * SectionHeaderBytes, SectionHeaderBytes), out names))
            {
                return false;
            }

            recordsOffset = (int)BinaryPrimitives.ReadUInt64LittleEndian(section[0x18..]);
            fault = null;
            return true;
        }

        fault = "it has no version requirements";
        return false;
    }

    private static bool TrySection(ReadOnlySpan<byte> image, ReadOnlySpan<byte> header, out ReadOnlySpan<byte> content) =>
        TrySlice(image, BinaryPrimitives.ReadUInt64LittleEndian(header[0x18..]), BinaryPrimitives.ReadUInt64LittleEndian(header[0x20..]), out content);

    private static bool TrySlice(ReadOnlySpan<byte> span, ulong offset, ulong length, out ReadOnlySpan<byte> slice)
    {
        bool inside = offset <= (ulong)span.Length && length <= (ulong)span.Length - offset;
        slice = inside ? span.Slice((int)offset, (int)length) : default;
        return inside;
    }

    private static bool TryRecord(ReadOnlySpan<byte> records, long offset, out ReadOnlySpan<byte> record) =>
        TrySlice(records, (ulong)offset, RecordBytes, out record);

    private static ReadOnlySpan<byte> NameAt(ReadOnlySpan<byte> names, uint offset)
    {
        if (offset >= (uint)names.Length)
        {
            return default;
        }

        ReadOnlySpan<byte> rest = names[(int)offset..];
        int end = rest.IndexOf((byte)0);
        return end < 0 ? default : rest[..end];
    }

    private static ushort U16(ReadOnlySpan<byte> span, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(span[offset..]);

    private static uint U32(ReadOnlySpan<byte> span, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(span[offset..]);
}
