using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// Edits the version requirements of an ELF shared object (the GNU symbol versioning tables of the Linux Standard Base).
/// </summary>
/// <remarks>
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

    private const int RecordBytes = 16;
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
        if (!ElfVersionSection.TryFind(image, out ElfVersionSection section, out fault))
        {
            return false;
        }

        byte[] wantedLibrary = Encoding.ASCII.GetBytes(library);
        byte[] wantedVersion = Encoding.ASCII.GetBytes(version);
        long need = 0;
        // A chain of records cannot be longer than the section has room for; more steps mean that they overlap.
        for (int steps = section.Records.Length / RecordBytes; steps > 0; steps--)
        {
            if (!TryRecord(section, need, out ReadOnlySpan<byte> verneed))
            {
                fault = "its version requirements point outside their section";
                return false;
            }

            if (section.NameAt(U32(verneed, 4)).SequenceEqual(wantedLibrary)
                && FindVersion(section, need + U32(verneed, 8), U16(verneed, 2), wantedVersion) is int aux)
            {
                Span<byte> flags = image.Slice(section.RecordsOffset + aux + FlagsInVernaux, sizeof(ushort));
                BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(U16(flags, 0) | WeakFlag));
                fault = null;
                return true;
            }

            uint next = U32(verneed, 12);
            if (next == 0)
            {
                break;
            }

            need += next;
        }

        fault = $"it does not ask for {version} of {library}";
        return false;
    }

    /// <summary>The offset of the vernaux with the wanted name in a chain of at most <paramref name="count"/>, or null.</summary>
    private static int? FindVersion(ElfVersionSection section, long offset, int count, ReadOnlySpan<byte> wanted)
    {
        for (; count > 0 && TryRecord(section, offset, out ReadOnlySpan<byte> vernaux); count--)
        {
            if (section.NameAt(U32(vernaux, 8)).SequenceEqual(wanted))
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

    private static bool TryRecord(ElfVersionSection section, long offset, out ReadOnlySpan<byte> record) =>
        ElfVersionSection.TrySlice(section.Records, (ulong)offset, RecordBytes, out record);

    private static ushort U16(ReadOnlySpan<byte> span, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(span[offset..]);

    private static uint U32(ReadOnlySpan<byte> span, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(span[offset..]);
}
