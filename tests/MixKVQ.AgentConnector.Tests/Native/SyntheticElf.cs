using System.Buffers.Binary;
using System.Text;

namespace MixKVQ.AgentConnector.Tests.Native;

/// <summary>The smallest ELF file with a version-requirement section: header, names, records, three section headers.</summary>
internal static class SyntheticElf
{
    public const string Library = "libone.so";
    public const string Version = "ONE_2";
    public const int RecordsOffset = 128;

    /// <summary>Offset of the flags of <see cref="Version"/>: the second vernaux of the second verneed.</summary>
    public const int FlagsOffset = RecordsOffset + 64 + 4;

    private const int NamesOffset = 64;
    private const int TableOffset = 208;

    public static byte[] Build()
    {
        byte[] image = new byte[TableOffset + (3 * 64)];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(image);
        Write64(image, 0x28, TableOffset);
        Write16(image, 0x3a, 64);
        Write16(image, 0x3c, 3);

        Encoding.ASCII.GetBytes("\0libzero.so\0libone.so\0ZERO_1\0ONE_1\0ONE_2\0").CopyTo(image, NamesOffset);
        // Offsets of the names: libzero.so 1, libone.so 12, ZERO_1 22, ONE_1 29, ONE_2 35.
        WriteNeed(image, 0, count: 1, file: 1, next: 32);
        WriteVersion(image, 16, name: 22, next: 0);
        WriteNeed(image, 32, count: 2, file: 12, next: 0);
        WriteVersion(image, 48, name: 29, next: 16);
        WriteVersion(image, 64, name: 35, next: 0);

        WriteSection(image, 1, type: 3, NamesOffset, size: 41, link: 0);
        WriteSection(image, 2, type: 0x6ffffffe, RecordsOffset, size: 80, link: 1);
        return image;
    }

    public static void Write32(byte[] image, int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(offset), value);

    private static void WriteNeed(byte[] image, int offset, ushort count, uint file, uint next)
    {
        Write16(image, RecordsOffset + offset, 1);
        Write16(image, RecordsOffset + offset + 2, count);
        Write32(image, RecordsOffset + offset + 4, file);
        Write32(image, RecordsOffset + offset + 8, 16);
        Write32(image, RecordsOffset + offset + 12, next);
    }

    private static void WriteVersion(byte[] image, int offset, uint name, uint next)
    {
        Write32(image, RecordsOffset + offset + 8, name);
        Write32(image, RecordsOffset + offset + 12, next);
    }

    private static void WriteSection(byte[] image, int index, uint type, ulong offset, ulong size, uint link)
    {
        int at = TableOffset + (index * 64);
        Write32(image, at + 4, type);
        Write64(image, at + 0x18, offset);
        Write64(image, at + 0x20, size);
        Write32(image, at + 0x28, link);
    }

    private static void Write16(byte[] image, int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(offset), value);

    private static void Write64(byte[] image, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(offset), value);
}
