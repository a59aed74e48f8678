using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native;

/// <summary>What was tried to load a library, with the reason of each failure.</summary>
internal sealed class LoadAttempts
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Whether a file that was found could not be loaded.</summary>
    public bool LoadFailed { get; private set; }

    public void Add(string what, string reason) => _lines.Add($"{what}: {reason.ReplaceLineEndings(" ").Trim()}");

    /// <summary>Loads a library by its full path, or by a name that the system looks for; a failure becomes a line.</summary>
    /// <returns>The handle, or 0.</returns>
    public nint TryLoad(string path, string? what = null)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            Add(what ?? path, error.Message);
            LoadFailed = true;
            return 0;
        }
    }
}
