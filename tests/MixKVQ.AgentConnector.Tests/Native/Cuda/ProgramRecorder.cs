using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

/// <summary>Stands for a device and notes the programs that it is asked for; nothing runs.</summary>
/// <param name="sharedBytes">Shared memory that a block may ask for.</param>
internal sealed class ProgramRecorder(int sharedBytes) : IKernelDevice, IKernelModule, IKernel
{
    private readonly List<KernelProgram> _programs = [];

    /// <summary>What was asked for.</summary>
    public IReadOnlyList<KernelProgram> Programs => _programs;

    public int MultiprocessorCount => 108;

    public int SharedBytes => sharedBytes;

    public DeviceMemory MemoryInfo => new(Free: 1L << 30, Total: 1L << 30);

    public IKernelModule Load(KernelProgram program)
    {
        _programs.Add(program);
        return this;
    }

    public IKernel Kernel(string name) => this;

    public void Launch<TArguments>(in TArguments arguments, KernelGrid grid, int threads, int sharedBytes = 0)
        where TArguments : unmanaged
    {
    }

    public void Upload(ReadOnlySpan<byte> source, nint target)
    {
    }

    public void Download(nint source, Span<byte> target)
    {
    }

    public void Clear(nint target, long bytes)
    {
    }

    public void Synchronize()
    {
    }
}
