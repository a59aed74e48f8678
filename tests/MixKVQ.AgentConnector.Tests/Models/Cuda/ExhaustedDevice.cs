using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Native;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>The emulated device, whose memory is exhausted at one launch.</summary>
internal sealed class ExhaustedDevice : IKernelDevice
{
    private readonly EmulatedDevice _device = new();

    /// <summary>Launches up to the one that fails; 0 for none.</summary>
    public int LaunchesLeft { get; set; }

    public int MultiprocessorCount => _device.MultiprocessorCount;

    public int SharedBytes => _device.SharedBytes;

    public DeviceMemory MemoryInfo => _device.MemoryInfo;

    public IKernelModule Load(KernelProgram program) => new Module(this, _device.Load(program));

    public void Upload(ReadOnlySpan<byte> source, nint target) => _device.Upload(source, target);

    public void Download(nint source, Span<byte> target) => _device.Download(source, target);

    public void Clear(nint target, long bytes) => _device.Clear(target, bytes);

    public void Synchronize() => _device.Synchronize();

    private sealed class Module(ExhaustedDevice device, IKernelModule module) : IKernelModule
    {
        public IKernel Kernel(string name) => new FailingKernel(device, module.Kernel(name));
    }

    private sealed class FailingKernel(ExhaustedDevice device, IKernel kernel) : IKernel
    {
        public void Launch<TArguments>(in TArguments arguments, KernelGrid grid, int threads, int sharedBytes)
            where TArguments : unmanaged
        {
            if (device.LaunchesLeft > 0 && --device.LaunchesLeft == 0)
            {
                throw TorchFailure.Exhausted;
            }

            kernel.Launch(arguments, grid, threads, sharedBytes);
        }
    }
}
