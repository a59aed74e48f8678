using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// How long libtorch's threads look out for more work after each operation (Linux). By default OpenMP's spin for milliseconds, on the processors that our own
/// threads then want, and where others want them too, whole time slices are lost.
/// </summary>
internal static partial class OpenMpWaiting
{
    /// <summary>Turns of the waiting loop, some microseconds: long enough for the next of two operations that follow each other.</summary>
    public const string SpinCount = "1000";

    /// <summary>The variable that OpenMP's library reads once, when it is loaded.</summary>
    public const string SpinCountVariable = "GOMP_SPINCOUNT";

    /// <summary>The general one, which stands for a spin count too.</summary>
    public const string PolicyVariable = "OMP_WAIT_POLICY";

    /// <summary>Shortens it, if the user's environment does not set it. To be called before libtorch is loaded.</summary>
    public static void Shorten()
    {
        if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(PolicyVariable) is null)
        {
            // The runtime's own setter changes its copy of the environment only. What fails leaves the default.
            _ = SetVariable(SpinCountVariable, SpinCount, overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
