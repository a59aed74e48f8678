using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>What stages work with.</summary>
/// <param name="Device">The GPU as Torch knows it.</param>
/// <param name="Options">The command line.</param>
/// <param name="Report">Where findings go.</param>
internal sealed record CheckMachine(torch.Device Device, CheckOptions Options, CheckReport Report)
{
    /// <summary>Waits until all that was asked of the GPU is done.</summary>
    public void Synchronize()
    {
        if (Device.type == DeviceType.CUDA)
        {
            torch.cuda.synchronize(Device);
        }
    }
}
