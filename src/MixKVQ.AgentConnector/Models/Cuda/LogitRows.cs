using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>Brings a step's logits to the host: in one copy, in the model's type, to memory that a GPU writes to directly; then to their receivers, a row a worker.</summary>
/// <param name="width">The vocabulary.</param>
/// <param name="dtype">float32 or bfloat16.</param>
/// <param name="device">Where the logits come from.</param>
/// <param name="team">Shares the rows; borrowed.</param>
internal sealed unsafe class LogitRows(int width, ScalarType dtype, Device device, WorkerTeam team) : ITeamJob, IDisposable
{
    private readonly int _elementBytes = dtype == ScalarType.Float32 ? sizeof(float) : sizeof(ushort);
    private Tensor? _memory;
    private byte* _bytes;
    private Memory<float>[] _receivers = [];

    /// <summary>Copies logits to those that want them, once all that was asked for is done.</summary>
    /// <param name="kernels">Downloads.</param>
    /// <param name="logits">Address of [rows, width].</param>
    /// <param name="step">Which input a row is.</param>
    /// <param name="inputs">Receive as many of a row's first logits as there is room for.</param>
    public void Deliver(IKernelDevice kernels, nint logits, StepTable step, ReadOnlySpan<DecodeInput> inputs)
    {
        Reserve(step.Count);
        kernels.Download(logits, new Span<byte>(_bytes, checked(step.Count * width * _elementBytes)));
        for (int row = 0; row < step.Count; row++)
        {
            _receivers[row] = inputs[step.Input(row)].Logits;
        }

        team.Run(this, step.Count);
        Array.Clear(_receivers);
    }

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        Span<float> target = _receivers[item].Span;
        target = target[..Math.Min(target.Length, width)];
        var source = new ReadOnlySpan<byte>(_bytes + ((long)item * width * _elementBytes), target.Length * _elementBytes);
        if (dtype == ScalarType.Float32)
        {
            MemoryMarshal.Cast<byte, float>(source).CopyTo(target);
        }
        else
        {
            BFloat16Copies.Widen(MemoryMarshal.Cast<byte, ushort>(source), target);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _memory?.Dispose();

    private void Reserve(int rows)
    {
        if (rows <= _receivers.Length)
        {
            return;
        }

        // Nothing is kept where the new memory is refused.
        _memory?.Dispose();
        (_memory, _receivers) = (null, []);
        using Tensor plain = empty((long)rows * width * _elementBytes, dtype: ScalarType.Byte);
        _memory = (device.type == DeviceType.CUDA ? plain.pin_memory() : plain.alias()).DetachFromDisposeScope();
        _bytes = (byte*)TensorMemory.DataPointer(_memory);
        _receivers = new Memory<float>[rows];
    }
}
