using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>A step's logits on the host, in the model's type as they come from the device.</summary>
/// <param name="width">The vocabulary.</param>
/// <param name="dtype">float32 or bfloat16.</param>
internal sealed class LogitRows(int width, ScalarType dtype)
{
    private readonly int _elementBytes = dtype == ScalarType.Float32 ? sizeof(float) : sizeof(ushort);
    private byte[] _bytes = [];

    /// <summary>Copies rows from the device, once all that was asked for is done.</summary>
    public void Download(IKernelDevice device, nint source, int count)
    {
        int bytes = checked(count * width * _elementBytes);
        if (_bytes.Length < bytes)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(bytes);
        }

        device.Download(source, _bytes.AsSpan(0, bytes));
    }

    /// <summary>Reads the first logits of a row, as many as there is room for.</summary>
    public void Read(int row, Span<float> target)
    {
        target = target[..Math.Min(target.Length, width)];
        ReadOnlySpan<byte> source = _bytes.AsSpan(row * width * _elementBytes, target.Length * _elementBytes);
        if (dtype == ScalarType.Float32)
        {
            MemoryMarshal.Cast<byte, float>(source).CopyTo(target);
        }
        else
        {
            BFloat16Copies.Widen(MemoryMarshal.Cast<byte, ushort>(source), target);
        }
    }
}
