using System.Buffers.Binary;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The section of a file that names the sealed pieces of its cache.</summary>
internal static class PieceTable
{
    /// <summary>Bytes of one entry.</summary>
    public const int EntryBytes = 32;

    /// <summary>The pieces' places.</summary>
    /// <param name="blobs">The pieces.</param>
    /// <param name="end">Where the sections end.</param>
    /// <param name="isInside">Whether the pieces lie in the file.</param>
    public static StoredPiece[] Place(IReadOnlyList<SavedBlob> blobs, long end, bool isInside)
    {
        var pieces = new StoredPiece[blobs.Count];
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = new StoredPiece(blobs[i], isInside ? FileHeader.Align(end) : 0);
            end = pieces[i].Offset + blobs[i].Length;
        }

        return pieces;
    }

    /// <summary>The section.</summary>
    public static byte[] Format(IReadOnlyList<StoredPiece> pieces)
    {
        byte[] table = new byte[pieces.Count * EntryBytes];
        for (int i = 0; i < pieces.Count; i++)
        {
            Span<byte> entry = table.AsSpan(i * EntryBytes, EntryBytes);
            BinaryPrimitives.WriteInt64LittleEndian(entry, pieces[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], pieces[i].Blob.Length);
            BinaryPrimitives.WriteUInt128LittleEndian(entry[16..], pieces[i].Blob.Checksum);
        }

        return table;
    }

    /// <summary>Reads a section that a stranger may have written.</summary>
    /// <param name="table">The section.</param>
    /// <param name="end">Where the sections end.</param>
    /// <param name="fileBytes">The file's length.</param>
    /// <exception cref="InvalidDataException">The message says what is wrong.</exception>
    public static StoredPiece[] Parse(ReadOnlySpan<byte> table, long end, long fileBytes)
    {
        var pieces = new StoredPiece[table.Length / EntryBytes];
        for (int i = 0; i < pieces.Length; i++)
        {
            ReadOnlySpan<byte> entry = table.Slice(i * EntryBytes, EntryBytes);
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry);
            long length = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
            bool isInside = offset != 0;
            if (length is <= 0 or > int.MaxValue || (isInside && (offset != FileHeader.Align(end) || length > fileBytes - offset)))
            {
                throw new InvalidDataException($"piece {i} of its cache has {length} bytes at {offset}, in a file of {fileBytes}");
            }

            pieces[i] = new StoredPiece(new SavedBlob(BinaryPrimitives.ReadUInt128LittleEndian(entry[16..]), (int)length), offset);
            end = isInside ? offset + length : end;
        }

        return end == fileBytes ? pieces : throw new InvalidDataException($"it has {fileBytes} bytes, of which {fileBytes - end} belong to nothing");
    }
}
