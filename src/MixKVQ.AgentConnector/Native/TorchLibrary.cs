using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Makes TorchSharp usable in this process. Thread-safe.</summary>
/// <remarks>
/// Has to run before anything touches <see cref="torch"/>: TorchSharp's static constructor loads the libraries by itself,
/// and where it fails it fails for the rest of the process.
/// </remarks>
internal static class TorchLibrary
{
    /// <summary>The name under which this assembly's own interop imports libtorch's C ABI.</summary>
    public const string TorchCpu = "torch_cpu";

    /// <summary>The name under which this assembly's own interop imports the C ABI of libtorch's CUDA part.</summary>
    public const string TorchCuda = "torch_cuda";

    private const string Binding = "LibTorchSharp";

    private static readonly Lock Gate = new();
    private static volatile bool _loaded;
    private static string? _failure;
    private static string? _torchLibraryPath;
    private static nint _torchCpuHandle;
    private static nint _torchCudaHandle;
    private static nint _bindingHandle;

    /// <summary>The folder that libtorch was loaded from; null until it is.</summary>
    public static string? Folder { get; private set; }

    /// <summary>Why libtorch has no CUDA operators here, or null where it has them.</summary>
    public static string? CudaFault { get; private set; } = "libtorch is not loaded";

    /// <summary>
    /// Loads libtorch and TorchSharp's binding once; later calls return at once with the first outcome.
    /// </summary>
    /// <param name="torchLibraryPath">
    /// The <c>torch/lib</c> folder of a PyTorch installation, used in place of the libtorch package; null for the package.
    /// </param>
    /// <exception cref="DllNotFoundException">Nothing could be loaded; the message lists what was tried and what to install.</exception>
    /// <exception cref="InvalidOperationException">Another <paramref name="torchLibraryPath"/> has been loaded before.</exception>
    public static void EnsureLoaded(string? torchLibraryPath = null)
    {
        if (_loaded && torchLibraryPath is null)
        {
            return;
        }

        string? wanted = torchLibraryPath is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(torchLibraryPath));
        lock (Gate)
        {
            if (!_loaded && _failure is null)
            {
                _torchLibraryPath = wanted;
                _failure = Load(wanted);
                _loaded = _failure is null;
            }

            if (_failure is not null)
            {
                throw new DllNotFoundException(_failure);
            }

            if (wanted is not null && !string.Equals(wanted, _torchLibraryPath, StringComparison.Ordinal))
            {
                throw new InvalidOperationException(
                    $"TorchLibraryPath '{wanted}' cannot be used: this process has loaded libtorch from '{_torchLibraryPath ?? "the libtorch package"}' already, " +
                    "and a process holds one libtorch. Give every client the same TorchLibraryPath.");
            }
        }
    }

    /// <summary>Returns null, or the whole message of the failure.</summary>
    private static string? Load(string? torchLibraryPath)
    {
        TorchLoader loader = new();
        if (torchLibraryPath is null ? loader.LoadPackage() : loader.LoadInstallation(torchLibraryPath))
        {
            _torchCpuHandle = loader.TorchCpuHandle;
            _torchCudaHandle = loader.TorchCudaHandle;
            _bindingHandle = loader.BindingHandle;
            Folder = loader.TorchFolder;
            CudaFault = loader.CudaFault;
            NativeLibrary.SetDllImportResolver(typeof(TorchLibrary).Assembly, Resolve);
            RouteTorchSharp();
            try
            {
                RuntimeHelpers.RunClassConstructor(typeof(torch).TypeHandle);
                return null;
            }
            catch (TypeInitializationException error)
            {
                loader.Attempts.Add("TorchSharp's own start", (error.InnerException ?? error).Message);
            }
        }

        return TorchLoadMessage.Compose(torchLibraryPath, loader.Attempts);
    }

    /// <summary>
    /// Sends TorchSharp's imports to the library that was loaded here. Its static constructor asks by name without
    /// the resolver, and finds the same library since the dynamic linker knows it by its SONAME.
    /// </summary>
    private static void RouteTorchSharp()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, Resolve);
        }
        catch (InvalidOperationException)
        {
            // The application has set its own resolver; the imports then go the static constructor's way.
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        Binding => _bindingHandle,
        TorchCpu => _torchCpuHandle,
        TorchCuda => _torchCudaHandle,
        CudaDriverLibrary.Name => CudaDriverLibrary.Handle,
        NvrtcLibrary.Name => NvrtcLibrary.Handle,
        _ => 0,
    };
}
