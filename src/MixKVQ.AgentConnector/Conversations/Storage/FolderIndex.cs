namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The conversations of a folder and when each was last used. Thread-safe.</summary>
/// <param name="blobs">What they share; let go with the entry that retains it.</param>
internal sealed class FolderIndex(BlobFolder blobs)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, FolderEntry> _entries = new(StringComparer.Ordinal);
    private long _useCount;

    /// <summary>Bytes of the conversations' own files.</summary>
    public long FileBytes
    {
        get
        {
            lock (_gate)
            {
                return _entries.Values.Sum(entry => entry.File.Bytes);
            }
        }
    }

    /// <summary>Whether an entry is still how its conversation stands.</summary>
    public bool Holds(FolderEntry entry)
    {
        lock (_gate)
        {
            return _entries.GetValueOrDefault(entry.Id) == entry;
        }
    }

    /// <summary>A conversation, used now; null where there is none.</summary>
    public FolderEntry? Use(string id)
    {
        lock (_gate)
        {
            FolderEntry? entry = _entries.GetValueOrDefault(id);
            if (entry is not null)
            {
                entry.LastUse = ++_useCount;
            }

            return entry;
        }
    }

    /// <summary>The conversation that was not used for the longest time, or <paramref name="lastId"/> where there is no other.</summary>
    public FolderEntry? LeastRecentlyUsed(string? lastId)
    {
        lock (_gate)
        {
            return _entries.Values.OrderBy(entry => entry.Id == lastId).ThenBy(entry => entry.LastUse).FirstOrDefault();
        }
    }

    /// <summary>Puts an entry in the place of the conversation's last one, used now, or takes that out where <paramref name="entry"/> is null.</summary>
    public void Replace(string id, FolderEntry? entry)
    {
        FolderEntry? previous;
        lock (_gate)
        {
            _entries.Remove(id, out previous);
            if (entry is not null)
            {
                entry.LastUse = ++_useCount;
                _entries.Add(id, entry);
            }
        }

        blobs.Release(previous?.Blobs ?? []);
    }
}
