namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The right to write a folder, for one process, or one client in it, at a time. It ends with the process, however that ends.</summary>
internal sealed class FolderLock : IDisposable
{
    private readonly FileStream _file;

    /// <exception cref="IOException">Another holds it; the message names the folder and says what to do.</exception>
    public FolderLock(string folder)
    {
        string path = Path.Combine(folder, "lock");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            _file = new FileStream(path, options);
        }
        catch (IOException error)
        {
            throw new IOException($"The folder {folder} is in use: another process or another client keeps conversations there. Give each a folder of its own, or end the other first. ({error.Message})", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
