using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>How fast the GPU's memory is: what no kernel over the same bytes can beat.</summary>
internal static class CopySpeed
{
    private const long Bytes = 2L << 30;
    private static double? _measured;

    /// <summary>Bytes read and written a millisecond by a copy from device to device; measured once.</summary>
    public static double BytesAMillisecond(CheckMachine machine) => _measured ??= Measure(machine);

    private static double Measure(CheckMachine machine)
    {
        using Tensor source = zeros([Bytes], ScalarType.Byte, machine.Device), target = empty([Bytes], ScalarType.Byte, machine.Device);
        return 2.0 * Bytes / DeviceTime.Of(machine, _ => target.copy_(source)).Median;
    }
}
