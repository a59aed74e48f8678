using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

public sealed class CudaDeviceTests
{
    [Fact]
    public void WithoutADriver_OpenSaysWhatIsMissing()
    {
        Assert.SkipUnless(CudaDriverLibrary.Handle == 0, "There is a CUDA driver here.");
        CudaException error = Assert.Throws<CudaException>(() => CudaDevice.Open(0));
        Assert.Contains(OperatingSystem.IsWindows() ? "nvcuda" : "libcuda.so.1", error.Message, StringComparison.Ordinal);
        Assert.Contains("NVIDIA driver", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutACompiler_TheErrorListsWhatWasTried()
    {
        Assert.SkipUnless(NvrtcLibrary.Handle == 0, "There is an NVRTC here.");
        CudaException error = Assert.Throws<CudaException>(() => new KernelCompiler(90, new KernelCache(folder: null)));
        Assert.All(NvrtcFolders.SystemNames(), name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
        Assert.Contains("CUDA_PATH", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANegativeIndex_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => CudaDevice.Open(-1));

    [Fact]
    public void AProgramThatDoesNotCompile_IsRefusedWithOptionsAndLog()
    {
        Assert.SkipWhen(NvrtcLibrary.Handle == 0, "There is no NVRTC here.");
        using NvrtcProgram program = new("Broken.cu", "#include \"Device.cuh\"\nKERNEL(broken, int) { missing(); }", KernelSources.Headers);
        CudaException error = Assert.Throws<CudaException>(() => program.CompileToCubin(["--gpu-architecture=sm_80"]));
        Assert.Contains("Broken.cu", error.Message, StringComparison.Ordinal);
        Assert.Contains("--gpu-architecture=sm_80", error.Message, StringComparison.Ordinal);
        Assert.Contains("missing", error.Message, StringComparison.Ordinal);
    }
}
