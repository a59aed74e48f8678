using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>Reads the cache of a saved conversation.</summary>
/// <param name="file">The conversation's file.</param>
/// <param name="openPart">Where in it the open part of the cache is.</param>
/// <param name="pieces">Where the sealed pieces are.</param>
/// <param name="sequences">Checks and holds the pages.</param>
/// <param name="blobs">Where the pieces are that do not lie in the file; null for nowhere.</param>
internal sealed class CacheReader(UntrustedFile file, FileSection openPart, IReadOnlyList<StoredPiece> pieces, ISequenceFactory sequences, BlobFolder? blobs)
{
    private byte[] _buffer = [];

    /// <summary>The cache, the caller's to dispose.</summary>
    /// <exception cref="InvalidDataException">It is broken or no cache of this model; the message says why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public CacheImage Read(int tokenCount)
    {
        RequireModestSizes();
        byte[] open = file.Read(openPart, "open part");
        byte[] sinks = pieces.Count > 0 ? ReadPiece(pieces[0]).ToArray() : [];
        var pages = new List<Page>();
        try
        {
            foreach (StoredPiece piece in pieces.Skip(1))
            {
                pages.Add(ReadPage(piece));
            }
        }
        catch
        {
            pages.ForEach(page => page.Release());
            throw;
        }

        return new CacheImage(tokenCount, sinks, open, pages);
    }

    /// <summary>A file may be long and yet hold nothing; what it makes this process take is bounded by what a cache takes.</summary>
    private void RequireModestSizes()
    {
        long most = sequences.BytesToHold(0, CacheGeometry.SinkTokens + CacheGeometry.PageTokens);
        long longest = pieces.Aggregate(openPart.Length, (longest, piece) => Math.Max(longest, piece.Blob.Length));
        if (longest > most)
        {
            throw new InvalidDataException($"a piece of its cache has {longest} bytes, more than this model's can have");
        }
    }

    private Page ReadPage(StoredPiece piece)
    {
        try
        {
            return sequences.ReadPage(ReadPiece(piece));
        }
        catch (InvalidDataException) when (piece.IsOutside)
        {
            blobs?.SetAside(piece.Blob);
            throw;
        }
    }

    /// <summary>The bytes of a piece, checked, until the next is read.</summary>
    private ReadOnlySpan<byte> ReadPiece(StoredPiece piece)
    {
        if (piece.IsOutside && blobs is null)
        {
            throw new InvalidDataException("its pages lie outside of it, in the folder that it was written to; save the conversation to a file of its own");
        }

        if (_buffer.Length < piece.Blob.Length)
        {
            _buffer = GC.AllocateUninitializedArray<byte>(piece.Blob.Length);
        }

        Span<byte> bytes = _buffer.AsSpan(0, piece.Blob.Length);
        if (piece.IsOutside)
        {
            blobs!.Read(piece.Blob, bytes);
            return bytes;
        }

        file.Read(piece.Offset, bytes);
        return SavedBlob.Of(bytes) == piece.Blob ? bytes : throw new InvalidDataException($"the checksum of its page at {piece.Offset} is wrong");
    }
}
