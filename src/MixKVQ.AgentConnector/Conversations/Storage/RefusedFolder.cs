namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>Where files go that cannot be read, to be looked at by a person: the newest few of them. Thread-safe.</summary>
/// <param name="path">The folder; made when the first file comes.</param>
internal sealed class RefusedFolder(string path)
{
    /// <summary>The most files that are kept.</summary>
    public const int MaxFiles = 16;

    private readonly Lock _gate = new();

    /// <summary>Bytes of the files.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return Files().Sum(file => file.Length);
            }
        }
    }

    /// <summary>Takes a file in; the oldest go where there are too many.</summary>
    /// <exception cref="IOException">It cannot be moved.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be moved.</exception>
    public void SetAside(string file)
    {
        lock (_gate)
        {
            FolderPaths.Create(path);
            File.Move(file, Path.Combine(path, Path.GetFileName(file)), overwrite: true);
            foreach (FileInfo old in Files().Skip(MaxFiles))
            {
                old.Delete();
            }
        }
    }

    /// <summary>Removes the oldest file, where there is one.</summary>
    public bool DropOldest()
    {
        lock (_gate)
        {
            if (Files() is not [.., FileInfo oldest])
            {
                return false;
            }

            oldest.Delete();
            return true;
        }
    }

    /// <summary>Newest first.</summary>
    private IReadOnlyList<FileInfo> Files() =>
        Directory.Exists(path) ? [.. new DirectoryInfo(path).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc)] : [];
}
