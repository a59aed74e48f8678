namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Where NVRTC may lie, and what its files are called on this system.</summary>
internal static class NvrtcFolders
{
    /// <summary>
    /// The folders to look in, best first: libtorch's own (its packages carry NVRTC there), NVIDIA's packages beside a PyTorch installation, a CUDA toolkit that the environment names.
    /// Only those that exist.
    /// </summary>
    /// <param name="torchFolder">The folder that libtorch was loaded from, or null.</param>
    public static IReadOnlyList<string> Candidates(string? torchFolder)
    {
        List<string> folders = [];
        string libraries = OperatingSystem.IsWindows() ? "bin" : "lib";
        if (torchFolder is not null)
        {
            folders.Add(torchFolder);

            // torch/lib, and site-packages/nvidia beside torch: cu13/lib, cuda_nvrtc/lib.
            string packages = Path.GetFullPath(Path.Combine(torchFolder, "..", "..", "nvidia"));
            if (Directory.Exists(packages))
            {
                folders.AddRange(Directory.EnumerateDirectories(packages).Order(StringComparer.Ordinal).Select(package => Path.Combine(package, libraries)));
            }
        }

        foreach (string variable in (string[])["CUDA_HOME", "CUDA_PATH"])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } toolkit)
            {
                folders.Add(Path.Combine(toolkit, OperatingSystem.IsWindows() ? "bin" : "lib64"));
                folders.Add(Path.Combine(toolkit, OperatingSystem.IsWindows() ? Path.Combine("bin", "x64") : "lib"));
            }
        }

        return [.. folders.Where(Directory.Exists).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The compilers in a folder, newest version first.</summary>
    public static IReadOnlyList<string> Compilers(string folder) =>
        [.. Files(folder).Where(path => !IsBuiltins(path)).OrderByDescending(Version)];

    /// <summary>The libraries of built-in functions in a folder.</summary>
    public static IReadOnlyList<string> Builtins(string folder) => [.. Files(folder).Where(IsBuiltins)];

    /// <summary>Names under which the system's loader may know NVRTC.</summary>
    public static IReadOnlyList<string> SystemNames() => OperatingSystem.IsWindows()
        ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"]
        : ["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"];

    /// <summary>NVIDIA's packages hold each library twice; the other build of it is called alt.</summary>
    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, OperatingSystem.IsWindows() ? "nvrtc*64_*.dll" : "libnvrtc*.so*")
            .Where(path => !Path.GetFileName(path).Contains(".alt.", StringComparison.Ordinal));

    private static bool IsBuiltins(string path) => Path.GetFileName(path).Contains("builtins", StringComparison.Ordinal);

    /// <summary>The number behind the name's last <c>.so.</c> or <c>64_</c>; 0 where there is none.</summary>
    private static int Version(string path)
    {
        string name = Path.GetFileName(path);
        string mark = OperatingSystem.IsWindows() ? "64_" : ".so.";
        int start = name.LastIndexOf(mark, StringComparison.Ordinal);
        string digits = start < 0 ? "" : string.Concat(name[(start + mark.Length)..].TakeWhile(char.IsAsciiDigit));
        return int.TryParse(digits, out int version) ? version : 0;
    }
}
