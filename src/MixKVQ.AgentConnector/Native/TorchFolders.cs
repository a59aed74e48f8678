using System.Runtime.InteropServices;
using TorchSharp;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Where an application's native libraries lie, and what they are called on this system.</summary>
internal static class TorchFolders
{
    /// <summary>TorchSharp's own native library.</summary>
    public static string BindingFile { get; } = FileName("LibTorchSharp");

    /// <summary>The library that holds the CPU operators and the C ABI.</summary>
    public static string TorchCpuFile { get; } = FileName("torch_cpu");

    /// <summary>libtorch's libraries in the order in which each finds those it needs already loaded.</summary>
    public static IReadOnlyList<string> TorchFiles { get; } = [FileName("c10"), TorchCpuFile, FileName("torch")];

    /// <summary>libtorch's libraries for CUDA, loaded after the others where they lie beside them, in this order.</summary>
    public static IReadOnlyList<string> CudaFiles { get; } = [FileName("c10_cuda"), FileName("torch_cuda")];

    /// <summary>
    /// The folders to look in, best first: those the host gives the runtime (they name <c>runtimes/linux-x64/native</c> of a
    /// framework-dependent output, a single file's extraction folder, or the package cache), then beside TorchSharp and the application.
    /// </summary>
    public static IReadOnlyList<string> Candidates()
    {
        List<string> folders = [];
        string? known = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string;
        folders.AddRange((known ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));

        string native = Path.Combine("runtimes", PortableRuntime(), "native");
        string?[] roots = [Path.GetDirectoryName(typeof(torch).Assembly.Location), AppContext.BaseDirectory];
        foreach (string? root in roots)
        {
            if (!string.IsNullOrEmpty(root))
            {
                folders.Add(root);
                folders.Add(Path.Combine(root, native));
            }
        }

        return [.. folders.Select(Path.GetFullPath).Select(Path.TrimEndingDirectorySeparator).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The first candidate folder that holds the file, or null.</summary>
    public static string? FindHolding(string file) => Candidates().FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));

    /// <summary>
    /// A candidate folder that holds another libtorch than the given folder, or null. TorchSharp looks for <c>torch_cpu</c>
    /// in the application's folders without asking anyone; a second copy registers every operator again, and libtorch aborts.
    /// </summary>
    public static string? FindOther(string folder)
    {
        string own = Resolve(folder);
        return Candidates().FirstOrDefault(other => File.Exists(Path.Combine(other, TorchCpuFile)) && Resolve(other) != own);
    }

    /// <summary>Where the folder's <see cref="TorchCpuFile"/> really lies, links of the folder and the file followed.</summary>
    private static string Resolve(string folder)
    {
        string target = Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(folder);
        string file = Path.Combine(target, TorchCpuFile);
        return File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file;
    }

    /// <summary>Such as <c>linux-x64</c>: the part of a package's path that names the system.</summary>
    public static string PortableRuntime()
    {
        string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";
}
