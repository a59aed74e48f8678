namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// The bytes that conversations share, one file for each <see cref="SavedBlob"/>. A file is there before the first conversation that names it, and goes after the last.
/// Thread-safe.
/// </summary>
internal sealed class BlobFolder
{
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly RefusedFolder _refused;
    private readonly HashSet<SavedBlob> _present = [];
    private readonly Dictionary<SavedBlob, int> _references = [];
    private long _bytes;

    /// <summary>Opens the folder, or makes it; removes what a process left that ended while it wrote.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public BlobFolder(string path, RefusedFolder refused)
    {
        (_path, _refused) = (path, refused);
        FolderPaths.Create(path);
        foreach (FileInfo file in new DirectoryInfo(path).EnumerateFiles())
        {
            if (SavedBlob.FromFileName(file.Name) is { } blob && file.LinkTarget is null && file.Length == blob.Length)
            {
                _present.Add(blob);
                _bytes += blob.Length;
            }
            else if (SavedBlob.FromFileName(file.Name) is not null || NewFile.IsLeftOver(file.Name, name => SavedBlob.FromFileName(name) is not null))
            {
                file.Delete();
            }
        }
    }

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get { lock (_gate) { return _bytes; } } }

    /// <summary>Whether the bytes are there, at least in their right number.</summary>
    public bool Has(SavedBlob blob)
    {
        lock (_gate)
        {
            return _present.Contains(blob);
        }
    }

    /// <summary>Keeps files that are there or will be from now on.</summary>
    public void Retain(IEnumerable<SavedBlob> blobs)
    {
        lock (_gate)
        {
            foreach (SavedBlob blob in blobs)
            {
                _references[blob] = _references.GetValueOrDefault(blob) + 1;
            }
        }
    }

    /// <summary>Ends what <see cref="Retain"/> began: removes the files that nobody keeps any more.</summary>
    public void Release(IEnumerable<SavedBlob> blobs)
    {
        lock (_gate)
        {
            foreach (SavedBlob blob in blobs)
            {
                int left = _references[blob] - 1;
                if (left > 0)
                {
                    _references[blob] = left;
                    continue;
                }

                _references.Remove(blob);
                Remove(blob);
            }
        }
    }

    /// <summary>Removes every file that nobody keeps.</summary>
    public void RemoveUnused()
    {
        lock (_gate)
        {
            foreach (SavedBlob blob in _present.Where(blob => !_references.ContainsKey(blob)).ToList())
            {
                Remove(blob);
            }
        }
    }

    /// <summary>Writes bytes that the caller retains, unless they are there. Returns how many were written.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">They must not be written.</exception>
    public int Put(SavedBlob blob, ReadOnlySpan<byte> bytes)
    {
        if (Has(blob))
        {
            return 0;
        }

        // Two may write the same at the same time; the second takes the place of its equal.
        NewFile.WriteAll(PathOf(blob), bytes);
        lock (_gate)
        {
            _bytes += _present.Add(blob) ? blob.Length : 0;
        }

        return blob.Length;
    }

    /// <summary>Reads bytes and checks them; a file that is broken is set aside, so that the next conversation writes it anew.</summary>
    /// <param name="blob">What to read.</param>
    /// <param name="bytes">Where to; as long as the blob is.</param>
    /// <exception cref="InvalidDataException">They are broken or missing.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">They must not be read.</exception>
    public void Read(SavedBlob blob, Span<byte> bytes)
    {
        try
        {
            using var file = new UntrustedFile(PathOf(blob));
            file.Read(0, bytes);
            if (SavedBlob.Of(bytes) != blob)
            {
                throw new InvalidDataException("its checksum is wrong");
            }
        }
        catch (InvalidDataException error)
        {
            SetAside(blob);
            throw new InvalidDataException($"its page {blob.FileName} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>Takes a file out of use that is not what its name says, or no page.</summary>
    public void SetAside(SavedBlob blob)
    {
        lock (_gate)
        {
            Forget(blob);
            try
            {
                _refused.SetAside(PathOf(blob));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It is missing, or stays: whoever needs it writes it anew.
            }
        }
    }

    private void Remove(SavedBlob blob)
    {
        try
        {
            File.Delete(PathOf(blob));
            Forget(blob);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is there as before, and goes when the folder is opened next.
        }
    }

    private void Forget(SavedBlob blob) => _bytes -= _present.Remove(blob) ? blob.Length : 0;

    private string PathOf(SavedBlob blob) => Path.Combine(_path, blob.FileName);
}
