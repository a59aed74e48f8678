using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>What stages work with.</summary>
/// <param name="Device">Where Torch has its tensors.</param>
/// <param name="Kernels">The same device, for kernels.</param>
/// <param name="FreeAtStart">Bytes of the device's memory that were free before Torch took any.</param>
/// <param name="Options">The command line.</param>
/// <param name="Report">Where findings go.</param>
internal sealed record CheckMachine(torch.Device Device, IKernelDevice Kernels, long FreeAtStart, CheckOptions Options, CheckReport Report)
{
    /// <summary>Waits until all that was asked of the device is done.</summary>
    public void Synchronize() => Kernels.Synchronize();
}
