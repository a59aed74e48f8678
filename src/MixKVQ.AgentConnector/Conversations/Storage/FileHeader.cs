using System.Buffers.Binary;
using System.IO.Hashing;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The file of a saved conversation: its first 4096 bytes say where everything else lies.</summary>
/// <remarks>
/// <code>
///     0  header    0  8 bytes  "MixKVQ\r\n"
///                  8  int32    format version, 1
///                 12  int32    0
///                 16  int64    bytes of the file
///                 24  4 times  int64 offset, int64 length, XxHash128 of a section, in the order below
///                152           0
///               4080           XxHash128 of the 4080 bytes before
///  4096  meta      JSON: the model's signature, the dialogue, the text of the tokens
///     …  tokens    int32 each
///     …  pieces    what of the cache never changes, 32 bytes each: int64 offset in this file, int64 length, XxHash128; the sinks, then the pages.
///                  Where the offset is 0, the bytes are the file pages/{XxHash128}-{length}.blob beside this one
///     …  open      what of the cache still changes
///     …  the pieces that lie in this file, in order
/// </code>
/// Integers are little-endian. Every section and piece begins at the first multiple of 4096 after the one before, so that it can be mapped and used in place.
/// </remarks>
internal static class FileHeader
{
    /// <summary>Bytes of the header, and what offsets are a multiple of.</summary>
    public const int Bytes = 4096;

    /// <summary>Sections of a file: meta, tokens, pieces, open.</summary>
    public const int SectionCount = 4;

    private const int Version = 1;
    private const int VersionAt = 8;
    private const int FileBytesAt = 16;
    private const int SectionsAt = 24;
    private const int SectionBytes = 32;
    private const int ChecksumAt = Bytes - 16;

    private static ReadOnlySpan<byte> Magic => "MixKVQ\r\n"u8;

    /// <summary>The first offset at or after <paramref name="offset"/> where a section may begin.</summary>
    public static long Align(long offset) => (offset + Bytes - 1) / Bytes * Bytes;

    /// <summary>The checksum that a header gives of itself; since it holds those of the sections, no two files have the same.</summary>
    public static UInt128 ChecksumOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt128LittleEndian(header[ChecksumAt..]);

    /// <summary>The header of a file.</summary>
    public static byte[] Format(ReadOnlySpan<FileSection> sections, long fileBytes)
    {
        byte[] header = new byte[Bytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(VersionAt), Version);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(FileBytesAt), fileBytes);
        for (int i = 0; i < SectionCount; i++)
        {
            Span<byte> entry = header.AsSpan(SectionsAt + i * SectionBytes, SectionBytes);
            BinaryPrimitives.WriteInt64LittleEndian(entry, sections[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], sections[i].Length);
            BinaryPrimitives.WriteUInt128LittleEndian(entry[16..], sections[i].Checksum);
        }

        BinaryPrimitives.WriteUInt128LittleEndian(header.AsSpan(ChecksumAt), XxHash128.HashToUInt128(header.AsSpan(0, ChecksumAt)));
        return header;
    }

    /// <summary>Reads a header that a stranger may have written.</summary>
    /// <param name="header">The first 4096 bytes, or the whole file where it has fewer.</param>
    /// <param name="fileBytes">The file's real length.</param>
    /// <exception cref="InvalidDataException">The message says what is wrong with the file.</exception>
    public static FileSection[] Parse(ReadOnlySpan<byte> header, long fileBytes)
    {
        if (!header.StartsWith(Magic[..Math.Min(Magic.Length, header.Length)]))
        {
            throw new InvalidDataException("it is no saved conversation: its first bytes are others");
        }

        if (header.Length < Bytes)
        {
            throw new InvalidDataException($"it is cut off: it has {fileBytes} bytes, and its header alone {Bytes}");
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(header[VersionAt..]) is int version and not Version)
        {
            throw new InvalidDataException(version > Version
                ? $"it was written by a newer version of this library, in format {version}; this one reads format {Version}"
                : $"it has the unknown format {version}; this library reads format {Version}");
        }

        if (ChecksumOf(header) != XxHash128.HashToUInt128(header[..ChecksumAt]))
        {
            throw new InvalidDataException("the checksum of its header is wrong");
        }

        if (BinaryPrimitives.ReadInt64LittleEndian(header[FileBytesAt..]) is long expected && expected != fileBytes)
        {
            throw new InvalidDataException($"it has {fileBytes} bytes, and its header says {expected}: it is cut off, or something was added");
        }

        var sections = new FileSection[SectionCount];
        long end = Bytes;
        for (int i = 0; i < SectionCount; i++)
        {
            ReadOnlySpan<byte> entry = header.Slice(SectionsAt + i * SectionBytes, SectionBytes);
            FileSection section = new(
                BinaryPrimitives.ReadInt64LittleEndian(entry),
                BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
                BinaryPrimitives.ReadUInt128LittleEndian(entry[16..]));
            if (section.Offset != Align(end) || section.Length < 0 || section.Length > fileBytes - section.Offset)
            {
                throw new InvalidDataException($"its section {i} has {section.Length} bytes at {section.Offset}, in a file of {fileBytes}");
            }

            sections[i] = section;
            end = section.End;
        }

        return sections;
    }
}
