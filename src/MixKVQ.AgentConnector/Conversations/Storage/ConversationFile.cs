using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// A saved conversation, opened: what is said is read and checked at once, the cache when it is asked for. The file is a stranger's until its last byte is checked.
/// It is read, not mapped: a mapped file that another shortens, or a disk that fails, would end the process. One caller.
/// </summary>
internal sealed class ConversationFile : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly FileSection _open;

    private ConversationFile(string path, SafeFileHandle handle, ModelSignature signature, int vocabularySize)
    {
        _path = path;
        _handle = handle;
        long fileBytes = RandomAccess.GetLength(handle);
        byte[] header = Read(0, Math.Min(fileBytes, FileHeader.Bytes));
        FileSection[] sections = FileHeader.Parse(header, fileBytes);
        Identity = new WrittenFile(fileBytes, FileHeader.ChecksumOf(header));
        if (sections[0].Length > ConversationJsonWriter.MaxBytes)
        {
            throw new InvalidDataException($"its text takes {sections[0].Length} bytes, and at most {ConversationJsonWriter.MaxBytes} are read");
        }

        Conversation = ReadConversation(Read(sections[0], "text"), Read(sections[1], "tokens"), signature, vocabularySize);
        _open = sections[3];
        Pieces = PieceTable.Parse(Read(sections[2], "table of pieces"), _open.End, fileBytes);
        if (sections[2].Length % PieceTable.EntryBytes != 0 || Pieces.Count != SealedPieces.CountFor(Conversation.CachedTokens))
        {
            throw new InvalidDataException($"its cache of {Conversation.CachedTokens} tokens lies in {Pieces.Count} pieces");
        }
    }

    /// <summary>What is said of the conversation.</summary>
    public SavedConversation Conversation { get; }

    /// <summary>The sealed pieces of its cache, in order.</summary>
    public IReadOnlyList<StoredPiece> Pieces { get; }

    /// <summary>The file's length and checksum.</summary>
    public WrittenFile Identity { get; }

    /// <summary>Opens a file and checks all but its cache.</summary>
    /// <param name="path">The file.</param>
    /// <param name="signature">The loaded model.</param>
    /// <param name="vocabularySize">How many token ids it has.</param>
    /// <exception cref="InvalidDataException">It is no conversation of this model; the message names the file and says why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public static ConversationFile Open(string path, ModelSignature signature, int vocabularySize)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = OpenHandle(path);
            return new ConversationFile(path, handle, signature, vocabularySize);
        }
        catch (Exception error)
        {
            handle?.Dispose();
            if (error is InvalidDataException or EndOfStreamException)
            {
                throw Refuse(path, error);
            }

            throw;
        }
    }

    /// <summary>Reads the cache; the caller disposes it.</summary>
    /// <param name="sequences">Checks and holds the pages.</param>
    /// <param name="blobs">Where the pieces are that do not lie in this file; null for nowhere.</param>
    /// <exception cref="InvalidDataException">The cache is broken or no cache of this model; the message names the file and says why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public CacheImage ReadCache(ISequenceFactory sequences, BlobFolder? blobs = null)
    {
        var pages = new List<Page>();
        try
        {
            RequireModestSizes(sequences);
            byte[] open = Read(_open, "open part");
            byte[] sinks = [];
            byte[] buffer = [];
            for (int i = 0; i < Pieces.Count; i++)
            {
                StoredPiece piece = Pieces[i];
                RequireReachable(piece, blobs);
                if (buffer.Length < piece.Blob.Length)
                {
                    buffer = GC.AllocateUninitializedArray<byte>(piece.Blob.Length);
                }

                Span<byte> bytes = buffer.AsSpan(0, piece.Blob.Length);
                ReadPiece(piece, bytes, blobs);
                if (i == 0)
                {
                    sinks = bytes.ToArray();
                }
                else
                {
                    pages.Add(ReadPage(sequences, piece, bytes, blobs));
                }
            }

            return new CacheImage(Conversation.CachedTokens, sinks, open, pages);
        }
        catch (Exception error)
        {
            pages.ForEach(page => page.Release());
            if (error is InvalidDataException or EndOfStreamException)
            {
                throw Refuse(_path, error);
            }

            throw;
        }
    }

    /// <summary>The sequence of the cache that was read, which is taken over; the caller owns it.</summary>
    /// <exception cref="InvalidDataException">It is no cache of this model; the message names the file and says why.</exception>
    public IConversationSequence Import(ISequenceFactory sequences, CacheImage image)
    {
        try
        {
            return sequences.Import(image);
        }
        catch (InvalidDataException error)
        {
            throw Refuse(_path, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    /// <summary>Opens a file that may be a trap.</summary>
    /// <exception cref="InvalidDataException">It is no regular file.</exception>
    internal static SafeFileHandle OpenHandle(string path)
    {
        // Pipes and devices have no length, and opening one could wait for ever.
        var file = new FileInfo(path);
        return file is { Exists: true, LinkTarget: null, Length: > 0 }
            ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete)
            : throw new InvalidDataException("it is missing, empty, or a link or a device where a file is needed");
    }

    /// <summary>Reads bytes that are there, into the whole of <paramref name="bytes"/>.</summary>
    /// <exception cref="EndOfStreamException">The file ends before.</exception>
    internal static void ReadExactly(SafeFileHandle handle, long offset, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = RandomAccess.Read(handle, bytes, offset);
            if (count == 0)
            {
                throw new EndOfStreamException("it became shorter while it was read");
            }

            bytes = bytes[count..];
            offset += count;
        }
    }

    private static SavedConversation ReadConversation(byte[] meta, byte[] tokenBytes, ModelSignature signature, int vocabularySize)
    {
        ReadOnlySpan<int> tokens = MemoryMarshal.Cast<byte, int>(tokenBytes);
        try
        {
            using JsonDocument json = ConversationJsonReader.Parse(meta);
            if (signature.DifferenceFrom(ConversationJsonReader.ReadSignature(json.RootElement)) is { } difference)
            {
                throw new InvalidDataException(difference);
            }

            if (tokenBytes.Length % sizeof(int) != 0 || tokens.ContainsAnyExceptInRange(0, vocabularySize - 1))
            {
                throw new InvalidDataException($"its tokens are none of the model's {vocabularySize}");
            }

            return ConversationJsonReader.Read(json.RootElement, tokens);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw new InvalidDataException($"its text is no valid JSON ({error.Message})", error);
        }
    }

    private static Page ReadPage(ISequenceFactory sequences, StoredPiece piece, ReadOnlySpan<byte> bytes, BlobFolder? blobs)
    {
        try
        {
            return sequences.ReadPage(bytes);
        }
        catch (InvalidDataException) when (piece.IsOutside)
        {
            blobs?.SetAside(piece.Blob);
            throw;
        }
    }

    /// <summary>A file may be long and yet hold nothing; what it makes this process take is bounded by what a cache takes.</summary>
    private void RequireModestSizes(ISequenceFactory sequences)
    {
        long most = sequences.BytesToHold(0, CacheGeometry.SinkTokens + CacheGeometry.PageTokens);
        long longest = Math.Max(_open.Length, Pieces.Max(piece => (long?)piece.Blob.Length) ?? 0);
        if (longest > most)
        {
            throw new InvalidDataException($"a piece of its cache has {longest} bytes, more than this model's can have");
        }
    }

    private static void RequireReachable(StoredPiece piece, BlobFolder? blobs)
    {
        if (piece.IsOutside && blobs is null)
        {
            throw new InvalidDataException("its pages lie outside of it, in the folder that it was written to; save the conversation to a file of its own");
        }

        if (piece.IsOutside && !blobs!.Has(piece.Blob))
        {
            throw new InvalidDataException($"its page {piece.Blob.FileName} is missing");
        }
    }

    private void ReadPiece(StoredPiece piece, Span<byte> bytes, BlobFolder? blobs)
    {
        if (piece.IsOutside)
        {
            blobs!.Read(piece.Blob, bytes);
            return;
        }

        ReadExactly(_handle, piece.Offset, bytes);
        if (SavedBlob.Of(bytes) != piece.Blob)
        {
            throw new InvalidDataException($"the checksum of its page at {piece.Offset} is wrong");
        }
    }

    private byte[] Read(FileSection section, string name)
    {
        byte[] bytes = Read(section.Offset, section.Length);
        return XxHash128.HashToUInt128(bytes) == section.Checksum ? bytes : throw new InvalidDataException($"the checksum of its {name} is wrong");
    }

    private byte[] Read(long offset, long length)
    {
        byte[] bytes = length <= Array.MaxLength
            ? GC.AllocateUninitializedArray<byte>((int)length)
            : throw new InvalidDataException($"a section of it has {length} bytes, more than can be read");
        ReadExactly(_handle, offset, bytes);
        return bytes;
    }

    private static InvalidDataException Refuse(string path, Exception error) => new($"{path} is refused: {error.Message.TrimEnd('.')}.", error);
}
