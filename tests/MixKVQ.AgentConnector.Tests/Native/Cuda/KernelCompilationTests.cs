using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

public sealed class KernelCompilationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixkvq-tests-");

    public static TheoryData<string> Files => [.. KernelSources.Programs];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void EveryProgram_CompilesToPtxWithClang(string file)
    {
        IReadOnlyList<KernelProgram> programs = ProductPrograms.Of(file);
        Assert.SkipWhen(ClangCompiler.Obstacle is not null, ClangCompiler.Obstacle ?? "");
        WriteSources(file);

        // The sources do not differ by architecture, so one architecture for each way is enough.
        foreach ((int index, KernelProgram program) in programs.Index())
        {
            int architecture = ClangCompiler.Architectures[index % ClangCompiler.Architectures.Count];
            string? fault = ClangCompiler.Fault(_folder.FullName, program, architecture);
            Assert.True(fault is null, $"{file}.cu does not compile for sm_{architecture} with {string.Join(' ', program.Defines)}:{Environment.NewLine}{fault}");
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void EveryProgram_CompilesWithNvrtcForEverySupportedArchitecture(string file)
    {
        IReadOnlyList<KernelProgram> programs = ProductPrograms.Of(file);
        Assert.SkipWhen(NvrtcLibrary.Handle == 0, "There is no NVRTC here.");

        foreach ((int index, int architecture) in ((int[])[80, 86, 89, 90]).Index())
        {
            KernelCompiler compiler = new(architecture, new KernelCache(folder: null));
            Assert.NotEmpty(compiler.Compile(programs[index % programs.Count]));
        }
    }

    private void WriteSources(string file)
    {
        using StreamReader clang = new(typeof(KernelCompilationTests).Assembly.GetManifestResourceStream("ClangCuda.h")!);
        foreach ((string name, string text) in KernelSources.Headers.Append(("ClangCuda.h", clang.ReadToEnd())).Append((file + ".cu", KernelSources.Program(file))))
        {
            File.WriteAllText(Path.Combine(_folder.FullName, name), text);
        }
    }
}
