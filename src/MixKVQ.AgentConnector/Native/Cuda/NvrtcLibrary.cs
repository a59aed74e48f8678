namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>The library of NVRTC, CUDA's compiler at run time, which comes with libtorch for CUDA. Thread-safe.</summary>
internal static class NvrtcLibrary
{
    /// <summary>The name under which this assembly's interop imports it.</summary>
    public const string Name = "nvrtc";

    private static readonly Lazy<(nint Handle, LoadAttempts Attempts)> Loaded = new(Load);

    /// <summary>The loaded library, or 0.</summary>
    public static nint Handle => Loaded.Value.Handle;

    /// <summary>Loads the library.</summary>
    /// <exception cref="CudaException">None was found, or none can be loaded; the message lists what was tried.</exception>
    public static void Require()
    {
        if (Handle == 0)
        {
            throw new CudaException(
                $"NVRTC, CUDA's compiler at run time, could not be loaded. Tried:{Environment.NewLine}"
                + string.Concat(Loaded.Value.Attempts.Lines.Select(line => $"  - {line}{Environment.NewLine}"))
                + "It comes with libtorch for CUDA (TorchSharp-cuda-linux, TorchSharp-cuda-windows, or a PyTorch installation with CUDA), or with a CUDA toolkit that CUDA_PATH names.");
        }
    }

    private static (nint Handle, LoadAttempts Attempts) Load()
    {
        LoadAttempts attempts = new();
        foreach (string folder in NvrtcFolders.Candidates(TorchLibrary.Folder))
        {
            IReadOnlyList<string> compilers = NvrtcFolders.Compilers(folder);
            if (compilers.Count == 0)
            {
                attempts.Add(folder, "holds no NVRTC");
                continue;
            }

            // NVRTC opens its built-in functions by their name alone, and finds a library that is loaded already.
            foreach (string builtins in NvrtcFolders.Builtins(folder))
            {
                attempts.TryLoad(builtins);
            }

            nint handle = FirstOf(compilers, attempts);
            if (handle != 0)
            {
                return (handle, attempts);
            }
        }

        return (FirstOf(NvrtcFolders.SystemNames(), attempts), attempts);
    }

    private static nint FirstOf(IEnumerable<string> libraries, LoadAttempts attempts) =>
        libraries.Select(library => attempts.TryLoad(library)).FirstOrDefault(handle => handle != 0);
}
