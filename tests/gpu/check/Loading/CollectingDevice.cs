using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.GpuCheck.Loading;

/// <summary>A device that only remembers which programs it was asked for. Memory is real; kernels cannot be launched.</summary>
/// <param name="device">What it is like, and whose memory it is; borrowed.</param>
internal sealed class CollectingDevice(IKernelDevice device) : IKernelDevice
{
    private readonly Dictionary<string, KernelProgram> _programs = [];

    /// <summary>The programs asked for, each once.</summary>
    public IReadOnlyCollection<KernelProgram> Programs => _programs.Values;

    /// <inheritdoc/>
    public int MultiprocessorCount => device.MultiprocessorCount;

    /// <inheritdoc/>
    public int SharedBytes => device.SharedBytes;

    /// <inheritdoc/>
    public DeviceMemory MemoryInfo => device.MemoryInfo;

    /// <inheritdoc/>
    public IKernelModule Load(KernelProgram program)
    {
        _programs[string.Join(' ', program.Defines.Prepend(program.File))] = program;
        return new NoModule();
    }

    /// <inheritdoc/>
    public void Upload(ReadOnlySpan<byte> source, nint target) => device.Upload(source, target);

    /// <inheritdoc/>
    public void Download(nint source, Span<byte> target) => device.Download(source, target);

    /// <inheritdoc/>
    public void Clear(nint target, long bytes) => device.Clear(target, bytes);

    /// <inheritdoc/>
    public void Synchronize() => device.Synchronize();

    private sealed class NoModule : IKernelModule
    {
        public IKernel Kernel(string name) => new NoKernel();
    }

    private sealed class NoKernel : IKernel
    {
        public void Launch<TArguments>(in TArguments arguments, KernelGrid grid, int threads, int sharedBytes = 0)
            where TArguments : unmanaged => throw new NotSupportedException();
    }
}
