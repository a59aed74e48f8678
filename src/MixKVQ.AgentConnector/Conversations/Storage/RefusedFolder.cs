namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// Where files go that cannot be read, to be looked at by a person, or put back where only the model or its options had changed. They count like other files, and go
/// first where there are too many bytes. Thread-safe.
/// </summary>
internal sealed class RefusedFolder
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private long _bytes;

    /// <param name="path">The folder; made when the first file comes.</param>
    public RefusedFolder(string path)
    {
        _path = path;
        _bytes = Directory.Exists(path) ? new DirectoryInfo(path).EnumerateFiles().Sum(file => file.Length) : 0;
    }

    /// <summary>Bytes of the files.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes a file in, in the place of one of that name.</summary>
    /// <exception cref="IOException">It cannot be moved.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be moved.</exception>
    public void SetAside(string file)
    {
        lock (_gate)
        {
            FolderPaths.Create(_path);
            string place = Path.Combine(_path, Path.GetFileName(file));
            long change = Length(file) - Length(place);
            File.Move(file, place, overwrite: true);
            Interlocked.Add(ref _bytes, change);
        }
    }

    /// <summary>Removes the oldest file, where there is one.</summary>
    public bool DropOldest()
    {
        lock (_gate)
        {
            if (!Directory.Exists(_path) || new DirectoryInfo(_path).EnumerateFiles().MinBy(file => file.LastWriteTimeUtc) is not { } oldest)
            {
                return false;
            }

            long length = oldest.Length;
            oldest.Delete();
            Interlocked.Add(ref _bytes, -length);
            return true;
        }
    }

    private static long Length(string file) => new FileInfo(file) is { Exists: true } info ? info.Length : 0;
}
