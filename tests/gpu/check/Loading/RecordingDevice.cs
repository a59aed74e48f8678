using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.GpuCheck.Loading;

/// <summary>A device that remembers which programs and kernels it was asked for.</summary>
/// <param name="device">Does the work; borrowed.</param>
internal sealed class RecordingDevice(IKernelDevice device) : IKernelDevice
{
    private readonly Dictionary<string, RecordedProgram> _programs = [];

    /// <summary>The programs asked for, in order.</summary>
    public IReadOnlyCollection<RecordedProgram> Programs => _programs.Values;

    /// <inheritdoc/>
    public int MultiprocessorCount => device.MultiprocessorCount;

    /// <inheritdoc/>
    public DeviceMemory MemoryInfo => device.MemoryInfo;

    /// <inheritdoc/>
    public int SharedBytes => device.SharedBytes;

    /// <inheritdoc/>
    public IKernelModule Load(KernelProgram program)
    {
        var recorded = new RecordedProgram(program, device.Load(program), []);
        _programs.TryAdd(string.Join(' ', program.Defines.Prepend(program.File)), recorded);
        return recorded;
    }

    /// <inheritdoc/>
    public void Upload(ReadOnlySpan<byte> source, nint target) => device.Upload(source, target);

    /// <inheritdoc/>
    public void Download(nint source, Span<byte> target) => device.Download(source, target);

    /// <inheritdoc/>
    public void Clear(nint target, long bytes) => device.Clear(target, bytes);

    /// <inheritdoc/>
    public void Synchronize() => device.Synchronize();
}
