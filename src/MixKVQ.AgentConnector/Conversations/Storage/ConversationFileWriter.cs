using System.IO.Hashing;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>Writes conversations as <see cref="FileHeader"/> lays them out.</summary>
internal static class ConversationFileWriter
{
    /// <summary>Writes a file that needs no other. What is there is replaced once the new file is whole.</summary>
    /// <param name="path">Where.</param>
    /// <param name="saved">The conversation.</param>
    /// <param name="image">Its cache.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written there.</exception>
    public static void Write(string path, SavedConversation saved, CacheImage image)
    {
        SavedBlob[] blobs = [.. Enumerable.Range(0, SealedPieces.CountFor(image.TokenCount)).Select(piece => SavedBlob.Of(SealedPieces.Bytes(image, piece)))];
        Write(path, saved, image, blobs, isAlone: true);
    }

    /// <summary>Writes a file.</summary>
    /// <param name="path">Where; what is there is replaced once the new file is whole and on the disk.</param>
    /// <param name="saved">The conversation.</param>
    /// <param name="image">Its cache.</param>
    /// <param name="blobs">The names of the image's sealed pieces.</param>
    /// <param name="isAlone">Whether the pieces are put into the file; otherwise they lie beside it.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written there.</exception>
    public static WrittenFile Write(string path, SavedConversation saved, CacheImage image, IReadOnlyList<SavedBlob> blobs, bool isAlone)
    {
        if (image.TokenCount != saved.CachedTokens || blobs.Count != SealedPieces.CountFor(image.TokenCount))
        {
            throw new ArgumentException($"The image holds {image.TokenCount} tokens in {blobs.Count} pieces; the conversation says {saved.CachedTokens}.", nameof(image));
        }

        ReadOnlyMemory<byte> meta = ConversationJsonWriter.Write(saved);
        int[] tokens = saved.Tokens.Range(0, saved.Tokens.Count);

        // The table of pieces is as long whatever it says, so that the places are known before it is written.
        FileSection metaAt = Section(FileHeader.Bytes, meta.Span);
        FileSection tokensAt = Section(metaAt.End, MemoryMarshal.AsBytes<int>(tokens));
        long openOffset = FileHeader.Align(FileHeader.Align(tokensAt.End) + blobs.Count * PieceTable.EntryBytes);
        FileSection openAt = Section(openOffset, image.Open.Span);
        StoredPiece[] pieces = PieceTable.Place(blobs, openAt.End, isAlone);
        byte[] table = PieceTable.Format(pieces);
        FileSection tableAt = Section(tokensAt.End, table);
        long fileBytes = isAlone && pieces is [.., var last] ? last.Offset + last.Blob.Length : openAt.End;

        byte[] header = FileHeader.Format([metaAt, tokensAt, tableAt, openAt], fileBytes);
        using var file = new NewFile(path, fileBytes);
        file.Write(0, header);
        file.Write(metaAt.Offset, meta.Span);
        file.Write(tokensAt.Offset, MemoryMarshal.AsBytes<int>(tokens));
        file.Write(tableAt.Offset, table);
        file.Write(openAt.Offset, image.Open.Span);
        for (int i = 0; isAlone && i < pieces.Length; i++)
        {
            file.Write(pieces[i].Offset, SealedPieces.Bytes(image, i));
        }

        file.Finish(isFlushed: true);
        return new WrittenFile(fileBytes, FileHeader.ChecksumOf(header));
    }

    private static FileSection Section(long end, ReadOnlySpan<byte> bytes) => new(FileHeader.Align(end), bytes.Length, XxHash128.HashToUInt128(bytes));
}
