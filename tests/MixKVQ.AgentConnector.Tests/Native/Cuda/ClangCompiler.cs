using System.Diagnostics;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

/// <summary>Clang, which compiles kernels to PTX without a CUDA toolkit, given ClangCuda.h.</summary>
internal static class ClangCompiler
{
    private const int Newest = 24;
    private const int Oldest = 14;

    private static readonly string[] Options =
    [
        "-x", "cuda", "--cuda-device-only", "-nocudainc", "-nocudalib", "--no-cuda-version-check", "-std=c++17", "-O1", "-fno-builtin", "-w", "-S", "-o", "-",
    ];

    private static readonly string? Path = Find();

    /// <summary>Why nothing can be compiled here, or null where it can.</summary>
    public static string? Obstacle => Path is null ? "No clang++ that compiles CUDA is on the PATH." : null;

    /// <summary>The architectures among 80 and 90 that this clang knows.</summary>
    public static IReadOnlyList<int> Architectures { get; } = Path is null ? [] : [.. new[] { 80, 90 }.Where(architecture => Probe(Path, architecture))];

    /// <summary>Compiles a program of the product, the text of which lies in a folder beside the headers.</summary>
    /// <returns>What clang has to say where it does not compile, else null.</returns>
    public static string? Fault(string folder, KernelProgram program, int architecture)
    {
        string header = System.IO.Path.Combine(folder, "ClangCuda.h");
        string source = System.IO.Path.Combine(folder, program.File + ".cu");
        return Run(Path!, [$"--cuda-gpu-arch=sm_{architecture}", .. program.Defines, "-include", header, "-I", folder, source], input: null);
    }

    private static string? Find()
    {
        string[] names = ["clang++", .. Enumerable.Range(Oldest, Newest - Oldest + 1).Reverse().Select(version => $"clang++-{version}")];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(name => System.IO.Path.Combine(folder, name)))
            .FirstOrDefault(path => File.Exists(path) && Probe(path, 80));
    }

    private static bool Probe(string path, int architecture) =>
        Run(path, [$"--cuda-gpu-arch=sm_{architecture}", "-"], "__attribute__((global)) void kernel() {}") is null;

    private static string? Run(string path, IEnumerable<string> arguments, string? input)
    {
        ProcessStartInfo start = new(path, [.. Options, .. arguments]) { RedirectStandardError = true, RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string log = process.StandardError.ReadToEnd();
        process.WaitForExit();
        output.Wait();
        return process.ExitCode == 0 ? null : log;
    }
}
