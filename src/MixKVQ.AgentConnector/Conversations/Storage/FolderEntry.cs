namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>A conversation of a folder. Everything but its last use stays as it is.</summary>
/// <param name="id">Its id.</param>
/// <param name="file">Its own file.</param>
/// <param name="blobs">The files that it shares; retained.</param>
/// <param name="isCacheLost">Whether some of them are gone, and none retained.</param>
internal sealed class FolderEntry(string id, WrittenFile file, IReadOnlyList<SavedBlob> blobs, bool isCacheLost = false)
{
    /// <summary>The conversation's id.</summary>
    public string Id { get; } = id;

    /// <summary>Its own file.</summary>
    public WrittenFile File { get; } = file;

    /// <summary>The files that it shares.</summary>
    public IReadOnlyList<SavedBlob> Blobs { get; } = blobs;

    /// <summary>Whether files that it needs are gone.</summary>
    public bool IsCacheLost { get; } = isCacheLost;

    /// <summary>When it was last used, by the folder's count.</summary>
    public long LastUse { get; set; }
}
