using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;

/// <summary>
/// Runs the kernels' own source on the CPU, over CPU tensors: a C++ compiler translates it together with Emulator.h, which plays the GPU's threads. Launches are done when they
/// return. Compiled programs are kept beside the tests from run to run, by their source.
/// </summary>
internal sealed unsafe class EmulatedDevice : IKernelDevice
{
    private static readonly ConcurrentDictionary<string, Lazy<EmulatedModule>> Modules = new();

    /// <summary>Why kernels cannot be emulated here, or null where they can.</summary>
    public static string? Obstacle { get; } = Compiler() is null ? "No C++ compiler (clang++ or g++) is on the PATH."
        : RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64 ? "The emulator runs on x86-64 only." : null;

    public int MultiprocessorCount => 4;

    /// <summary>By default those of a large GPU.</summary>
    public int SharedBytes { get; init; } = 227 * 1024;

    public DeviceMemory MemoryInfo => new(3L << 30, 4L << 30);

    /// <summary>Launches so far, by kernel.</summary>
    public ConcurrentDictionary<string, int> Launches { get; } = new();

    public IKernelModule Load(KernelProgram program)
    {
        string defines = string.Join(' ', program.Defines);
        return new CountingModule(Modules.GetOrAdd($"{program.File} {defines}", _ => new Lazy<EmulatedModule>(() => Build(program))).Value, Launches);
    }

    public void Upload(ReadOnlySpan<byte> source, nint target) => source.CopyTo(new Span<byte>((void*)target, source.Length));

    public void Download(nint source, Span<byte> target) => new ReadOnlySpan<byte>((void*)source, target.Length).CopyTo(target);

    public void Clear(nint target, long bytes) => NativeMemory.Clear((void*)target, (nuint)bytes);

    public void Synchronize()
    {
    }

    private static EmulatedModule Build(KernelProgram program)
    {
        (string Name, string Text)[] sources = [.. KernelSources.Headers, ($"{program.File}.cu", KernelSources.Program(program.File)), ("Emulator.h", EmulatorText())];
        string[] options = ["-O2", "-g0", "-std=c++17", "-ffp-contract=off", "-fPIC", "-shared", "-w", "-DEMULATED", .. program.Defines];
        string compiler = Compiler()!;
        string[] parts = [.. sources.Select(source => source.Name + source.Text), .. options, compiler];
        string hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))))[..24];
        string folder = Path.Combine(AppContext.BaseDirectory, "emulated-kernels");
        string library = Path.Combine(folder, $"{program.File}-{hash}.so");
        if (!File.Exists(library))
        {
            string build = Path.Combine(folder, $"{hash}-{Environment.ProcessId}");
            Directory.CreateDirectory(build);
            foreach ((string name, string text) in sources)
            {
                File.WriteAllText(Path.Combine(build, name), text);
            }

            string built = Path.Combine(build, "kernels.so");
            var start = new ProcessStartInfo(compiler, [.. options, "-I", build, "-x", "c++", Path.Combine(build, program.File + ".cu"), "-o", built]) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            string log = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"{program.File}.cu does not compile with {string.Join(' ', options)}:{Environment.NewLine}{log}");
            }

            File.Move(built, library, overwrite: true);
            Directory.Delete(build, recursive: true);
        }

        return new EmulatedModule(NativeLibrary.Load(library));
    }

    private static string EmulatorText()
    {
        using var reader = new StreamReader(typeof(EmulatedDevice).Assembly.GetManifestResourceStream("Emulator.h")!);
        return reader.ReadToEnd();
    }

    private static string? Compiler() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => (string[])[Path.Combine(folder, "g++"), Path.Combine(folder, "clang++")]).FirstOrDefault(File.Exists);

    private sealed class CountingModule(EmulatedModule module, ConcurrentDictionary<string, int> launches) : IKernelModule
    {
        public IKernel Kernel(string name) => new EmulatedKernel(module.Function(name), () => launches.AddOrUpdate(name, 1, (_, count) => count + 1));
    }

    private sealed class EmulatedModule(nint library)
    {
        public nint Function(string name) => NativeLibrary.GetExport(library, name);
    }

    private sealed class EmulatedKernel(nint function, Action onLaunch) : IKernel
    {
        public void Launch<TArguments>(in TArguments arguments, KernelGrid grid, int threads, int sharedBytes)
            where TArguments : unmanaged
        {
            if (threads % 32 != 0 || threads is < 32 or > 1024)
            {
                throw new ArgumentException($"{threads} threads are no block.", nameof(threads));
            }

            onLaunch();
            fixed (TArguments* pointer = &arguments)
            {
                ((delegate* unmanaged<void*, uint, uint, uint, uint, uint, void>)function)(pointer, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)threads, (uint)sharedBytes);
            }
        }
    }
}
