namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>The CUDA driver's library, which comes with the system's NVIDIA driver. Thread-safe.</summary>
internal static class CudaDriverLibrary
{
    /// <summary>The name under which this assembly's interop imports it.</summary>
    public const string Name = "cuda";

    private static readonly Lazy<(nint Handle, LoadAttempts Attempts)> Loaded = new(Load);

    /// <summary>The loaded library, or 0.</summary>
    public static nint Handle => Loaded.Value.Handle;

    /// <summary>Loads the library.</summary>
    /// <exception cref="CudaException">It is not there.</exception>
    public static void Require()
    {
        if (Handle == 0)
        {
            throw new CudaException(
                $"No CUDA driver was found ({string.Join("; ", Loaded.Value.Attempts.Lines)}). A GPU needs the NVIDIA driver, and in a container the library of the host's driver; without one set Device to cpu.");
        }
    }

    private static (nint Handle, LoadAttempts Attempts) Load()
    {
        LoadAttempts attempts = new();
        return (attempts.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1"), attempts);
    }
}
