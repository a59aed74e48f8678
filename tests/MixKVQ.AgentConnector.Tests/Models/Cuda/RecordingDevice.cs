using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>The emulated device, which notes what moves between host and device.</summary>
internal sealed class RecordingDevice : IKernelDevice
{
    private readonly EmulatedDevice _device = new();

    /// <summary>Uploads and downloads, in order: their bytes, those of downloads negative.</summary>
    public List<int> Transfers { get; } = [];

    public int MultiprocessorCount => _device.MultiprocessorCount;

    public int SharedBytes => _device.SharedBytes;

    public DeviceMemory MemoryInfo => _device.MemoryInfo;

    public IKernelModule Load(KernelProgram program) => _device.Load(program);

    public void Upload(ReadOnlySpan<byte> source, nint target)
    {
        Transfers.Add(source.Length);
        _device.Upload(source, target);
    }

    public void Download(nint source, Span<byte> target)
    {
        Transfers.Add(-target.Length);
        _device.Download(source, target);
    }

    public void Clear(nint target, long bytes) => _device.Clear(target, bytes);

    public void Synchronize() => _device.Synchronize();
}
