namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>A stretch of a saved conversation's file.</summary>
/// <param name="Offset">Where it begins: a multiple of 4096.</param>
/// <param name="Length">Its bytes, without what follows up to the next section.</param>
/// <param name="Checksum">Their XxHash128.</param>
internal readonly record struct FileSection(long Offset, long Length, UInt128 Checksum)
{
    /// <summary>The offset after its last byte.</summary>
    public long End => Offset + Length;
}
