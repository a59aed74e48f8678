namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>A sealed piece of a cache as a file names it.</summary>
/// <param name="Blob">Its bytes' name.</param>
/// <param name="Offset">Where they lie in the file; 0 where they are a file of their own.</param>
internal readonly record struct StoredPiece(SavedBlob Blob, long Offset)
{
    /// <summary>Whether the bytes are a file of their own.</summary>
    public bool IsOutside => Offset == 0;
}
