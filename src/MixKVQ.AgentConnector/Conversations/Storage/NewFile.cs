namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// A file that is written under another name and takes its own when it is whole: whoever ends the process when, there is the old file or the new one.
/// One caller.
/// </summary>
internal sealed class NewFile : IDisposable
{
    private const string TemporaryMark = ".tmp-";

    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly FileStream _stream;
    private bool _isWhole;

    /// <param name="path">Where it will be; what is there is replaced.</param>
    /// <param name="length">Its bytes, all zero until they are written. Room for them is taken at once.</param>
    /// <exception cref="IOException">There is no room for it, or no such folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder must not be written.</exception>
    public NewFile(string path, long length)
    {
        _path = path;
        _temporaryPath = $"{path}{TemporaryMark}{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, PreallocationSize = length };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        _stream = new FileStream(_temporaryPath, options);
        try
        {
            _stream.SetLength(length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether a file of this name was left by a process that ended while it wrote the file <paramref name="place"/>.</summary>
    public static bool IsLeftOver(string name, Func<string, bool> place) =>
        name.LastIndexOf(TemporaryMark, StringComparison.Ordinal) is int at and >= 0
        && Guid.TryParseExact(name[(at + TemporaryMark.Length)..], "N", out _)
        && place(name[..at]);

    /// <summary>Writes a file that is one stretch of bytes.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written.</exception>
    public static void WriteAll(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new NewFile(path, bytes.Length);
        file.Write(0, bytes);
        file.Finish(isFlushed: false);
    }

    /// <summary>Writes a stretch.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        _stream.Position = offset;
        _stream.Write(bytes);
    }

    /// <summary>Puts the file in its place.</summary>
    /// <param name="isFlushed">Whether its bytes are on the disk by then, so that a power cut leaves the old file or the new one too.</param>
    /// <exception cref="IOException">It cannot be put there; what was there stays.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be put there; what was there stays.</exception>
    public void Finish(bool isFlushed)
    {
        if (isFlushed)
        {
            _stream.Flush(flushToDisk: true);
        }

        _stream.Dispose();
        File.Move(_temporaryPath, _path, overwrite: true);
        _isWhole = true;
    }

    /// <summary>Removes what was written, where it was not finished.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        if (!_isWhole)
        {
            File.Delete(_temporaryPath);
        }
    }
}
