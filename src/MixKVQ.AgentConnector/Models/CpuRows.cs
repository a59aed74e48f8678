using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>
/// Reads and writes runs of a CPU tensor's memory as float32. The tensor must be float32 or bfloat16 and outlive the last use.
/// </summary>
internal readonly unsafe struct CpuRows(Tensor tensor)
{
    private readonly byte* _start = (byte*)TensorMemory.DataPointer(tensor);
    private readonly bool _isFloat = tensor.dtype == ScalarType.Float32;

    /// <summary>A tensor's elements as floats; none for null.</summary>
    public static float[] ToArray(Tensor? tensor)
    {
        if (tensor is null)
        {
            return [];
        }

        float[] values = new float[tensor.numel()];
        new CpuRows(tensor).Read(0, values);
        GC.KeepAlive(tensor);
        return values;
    }

    /// <summary>Reads as many elements as fit, from an offset in elements of the tensor's memory.</summary>
    public void Read(long offset, Span<float> values)
    {
        if (_isFloat)
        {
            new ReadOnlySpan<float>((float*)_start + offset, values.Length).CopyTo(values);
        }
        else
        {
            BFloat16Copies.Widen(new ReadOnlySpan<ushort>((ushort*)_start + offset, values.Length), values);
        }
    }

    /// <summary>Writes the elements, rounded to nearest even, to an offset in elements of the tensor's memory.</summary>
    public void Write(long offset, ReadOnlySpan<float> values)
    {
        if (_isFloat)
        {
            values.CopyTo(new Span<float>((float*)_start + offset, values.Length));
        }
        else
        {
            BFloat16Copies.Narrow(values, new Span<ushort>((ushort*)_start + offset, values.Length));
        }
    }
}
