using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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

    private const string Binding = "LibTorchSharp";

    private static readonly Lock Gate = new();
    private static volatile bool _loaded;
    private static string? _failure;
    private static string? _torchLibraryPath;
    private static nint _torchCpuHandle;
    private static nint _bindingHandle;

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
        LoadAttempts attempts = new();
        bool found = torchLibraryPath is null ? LoadPackage(attempts) : LoadInstallation(torchLibraryPath, attempts);
        if (found)
        {
            NativeLibrary.SetDllImportResolver(typeof(TorchLibrary).Assembly, Resolve);
            RouteTorchSharp();
            try
            {
                RuntimeHelpers.RunClassConstructor(typeof(torch).TypeHandle);
                return null;
            }
            catch (TypeInitializationException error)
            {
                attempts.Add("TorchSharp's own start", (error.InnerException ?? error).Message);
            }
        }

        return TorchLoadMessage.Compose(torchLibraryPath, attempts);
    }

    /// <summary>Loads the libtorch package and the binding that lie with the application.</summary>
    private static bool LoadPackage(LoadAttempts attempts)
    {
        string? folder = TorchFolders.FindHolding(TorchFolders.TorchCpuFile);
        if (folder is null)
        {
            attempts.Add(TorchFolders.TorchCpuFile, $"not in any of {string.Join(", ", TorchFolders.Candidates())}");
            return false;
        }

        return LoadTorch(folder, attempts) && LoadBinding(attempts);
    }

    /// <summary>Loads the libtorch of a PyTorch installation, and the binding that lies with the application.</summary>
    private static bool LoadInstallation(string folder, LoadAttempts attempts)
    {
        if (!File.Exists(Path.Combine(folder, TorchFolders.TorchCpuFile)))
        {
            string reason = Directory.Exists(folder) ? $"holds no {TorchFolders.TorchCpuFile}" : "does not exist";
            attempts.Add($"TorchLibraryPath '{folder}'", $"{reason}; it has to be the folder torch/lib of a PyTorch installation");
            return false;
        }

        if (TorchVersionFile.Read(folder) is string version && !TorchVersionFile.IsWanted(version))
        {
            attempts.Add($"TorchLibraryPath '{folder}'", $"it is PyTorch {version}, and TorchSharp needs {TorchVersionFile.Wanted}");
            return false;
        }

        if (TorchFolders.FindOther(folder) is string other)
        {
            attempts.Add(
                $"TorchLibraryPath '{folder}'",
                $"the application carries its own libtorch in {other}, TorchSharp would load that too, and two in one process end it. " +
                "Build with -p:MixKvqTorch=none, or give the application's reference to the libtorch package ExcludeAssets=\"all\"");
            return false;
        }

        return LoadTorch(folder, attempts) && LoadBinding(attempts);
    }

    private static bool LoadTorch(string folder, LoadAttempts attempts)
    {
        foreach (string file in TorchFolders.TorchFiles)
        {
            nint handle = attempts.TryLoad(Path.Combine(folder, file));
            if (handle == 0)
            {
                return false;
            }

            _torchCpuHandle = file == TorchFolders.TorchCpuFile ? handle : _torchCpuHandle;
        }

        return true;
    }

    private static bool LoadBinding(LoadAttempts attempts)
    {
        string? folder = TorchFolders.FindHolding(TorchFolders.BindingFile);
        if (folder is null)
        {
            attempts.Add(TorchFolders.BindingFile, $"not in any of {string.Join(", ", TorchFolders.Candidates())}");
            return false;
        }

        string path = Path.Combine(folder, TorchFolders.BindingFile);
        _bindingHandle = attempts.TryLoad(path);
        if (_bindingHandle == 0 && OperatingSystem.IsLinux())
        {
            _bindingHandle = RepairedLibrary.Load(path, attempts);
        }

        return _bindingHandle != 0;
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
        _ => 0,
    };
}
