using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>How fast the GPU's memory is: what no kernel over the same bytes can beat.</summary>
internal static class CopySpeed
{
    // On the GPU many times what its caches hold; where kernels are emulated the figure means nothing.
    private const long MostBytes = 2L << 30;
    private static double? _measured;

    /// <summary>Bytes read and written a millisecond by a copy from device to device; measured once.</summary>
    public static double BytesAMillisecond(CheckMachine machine) => _measured ??= Measure(machine);

    private static double Measure(CheckMachine machine)
    {
        long bytes = Math.Min(MostBytes, machine.FreeAtStart / 16);
        using Tensor source = zeros([bytes], ScalarType.Byte, machine.Device), target = empty([bytes], ScalarType.Byte, machine.Device);
        return 2.0 * bytes / DeviceTime.Of(machine, _ => target.copy_(source)).Median;
    }
}
