using System.Runtime.InteropServices;
using System.Text.Json;
using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// A saved conversation, opened: what is said is read and checked at once, the cache when it is asked for. The file is a stranger's until its last byte is checked. One caller.
/// </summary>
internal sealed class ConversationFile : IDisposable
{
    private readonly string _path;
    private readonly UntrustedFile _file;
    private readonly FileSection _openPart;

    private ConversationFile(string path, UntrustedFile file, ModelSignature signature, int vocabularySize)
    {
        (_path, _file) = (path, file);
        byte[] header = file.Read(0, Math.Min(file.Length, FileHeader.Bytes));
        FileSection[] sections = FileHeader.Parse(header, file.Length);
        Identity = new WrittenFile(file.Length, FileHeader.ChecksumOf(header));
        if (sections[0].Length > ConversationJsonWriter.MaxBytes)
        {
            throw new InvalidDataException($"its text takes {sections[0].Length} bytes, and at most {ConversationJsonWriter.MaxBytes} are read");
        }

        Conversation = ReadConversation(file.Read(sections[0], "text"), file.Read(sections[1], "tokens"), signature, vocabularySize);
        _openPart = sections[3];
        Pieces = PieceTable.Parse(file.Read(sections[2], "table of pieces"), _openPart.End, file.Length);
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
    public static ConversationFile Open(string path, ModelSignature signature, int vocabularySize) => Naming(path, () =>
    {
        var file = new UntrustedFile(path);
        try
        {
            return new ConversationFile(path, file, signature, vocabularySize);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    });

    /// <summary>Reads the cache; the caller disposes it.</summary>
    /// <param name="sequences">Checks and holds the pages.</param>
    /// <param name="blobs">Where the pieces are that do not lie in this file; null for nowhere.</param>
    /// <exception cref="InvalidDataException">The cache is broken or no cache of this model; the message names the file and says why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public CacheImage ReadCache(ISequenceFactory sequences, BlobFolder? blobs = null) =>
        Naming(_path, () => new CacheReader(_file, _openPart, Pieces, sequences, blobs).Read(Conversation.CachedTokens));

    /// <summary>The sequence of the cache that was read, which is taken over; the caller owns it.</summary>
    /// <exception cref="InvalidDataException">It is no cache of this model; the message names the file and says why.</exception>
    public IConversationSequence Import(ISequenceFactory sequences, CacheImage image) => Naming(_path, () => sequences.Import(image));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

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

    private static T Naming<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path} is refused: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
