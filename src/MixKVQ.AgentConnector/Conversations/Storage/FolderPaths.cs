namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>Folders that only their owner may enter.</summary>
internal static class FolderPaths
{
    /// <summary>Makes a folder, and those above it, where there is none.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
