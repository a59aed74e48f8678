using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>Rows of scratch memory on a device. They stay in place while no more of them are asked for than ever before.</summary>
/// <param name="width">Elements of a row.</param>
/// <param name="dtype">Their type.</param>
/// <param name="device">Where they lie.</param>
internal sealed class TensorRows(int width, ScalarType dtype, Device device) : IDisposable
{
    private Tensor? _memory;
    private Tensor? _rows;
    private int _count;

    /// <summary>[rows, width], contiguous, of any content: as many rows as were asked for last. Owned.</summary>
    public Tensor Rows => _rows!;

    /// <summary>The address of the first row.</summary>
    public nint Address { get; private set; }

    /// <summary>Takes so many rows; what they held is lost where there were not enough.</summary>
    public void Take(int count)
    {
        if (count == _count)
        {
            return;
        }

        _rows?.Dispose();
        if (_memory is null || _memory.size(0) < count)
        {
            // Nothing is kept where the new memory is refused.
            _memory?.Dispose();
            (_memory, _rows, _count) = (null, null, 0);
            _memory = empty(count, width, dtype: dtype, device: device).DetachFromDisposeScope();
            Address = TensorMemory.DataPointer(_memory);
        }

        _rows = _memory.narrow(0, 0, count).DetachFromDisposeScope();
        _count = count;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _rows?.Dispose();
        _memory?.Dispose();
    }
}
