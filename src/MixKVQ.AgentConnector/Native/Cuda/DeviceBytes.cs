using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Plain memory on a device, which grows to what is asked and does not move otherwise.</summary>
/// <param name="device">Where it lies.</param>
internal sealed class DeviceBytes(Device device) : IDisposable
{
    private Tensor? _memory;

    /// <summary>Of the first byte; a multiple of 64.</summary>
    public nint Address { get; private set; }

    /// <summary>Makes room for so many bytes; what was held is lost where there were fewer. Nothing changes where the memory is refused.</summary>
    /// <returns>Whether it was lost.</returns>
    public bool Reserve(long bytes)
    {
        if (_memory is not null && _memory.numel() >= bytes)
        {
            return false;
        }

        Tensor larger = empty(Math.Max(bytes, 64), dtype: ScalarType.Byte, device: device).DetachFromDisposeScope();
        _memory?.Dispose();
        _memory = larger;
        Address = TensorMemory.DataPointer(_memory);
        return true;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _memory?.Dispose();
}
