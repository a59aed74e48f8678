using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>Memory of a device as a tensor.</summary>
internal static unsafe class DeviceBytes
{
    /// <summary>A tensor of bytes over memory that stays its owner's.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">How many.</param>
    /// <param name="device">Whose memory it is.</param>
    public static Tensor Over(nint address, long length, Device device)
    {
        long stride = 1;
        return TorchCAbi.CreateTensorFromBlob(
            address, 1, &length, &stride, 0, (int)ScalarType.Byte, (int)device.type, Math.Max(0, device.index), out nint handle, TorchCAbi.Strided, null, 0) == 0
            ? Tensor.UnsafeCreateTensor(handle)
            : throw new InvalidOperationException($"libtorch refuses a tensor over {length} bytes of {device}.");
    }
}
