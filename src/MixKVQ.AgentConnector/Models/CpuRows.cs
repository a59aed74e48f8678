using System.Numerics;
using System.Runtime.CompilerServices;
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
            Widen(new ReadOnlySpan<ushort>((ushort*)_start + offset, values.Length), values);
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
            Narrow(values, new Span<ushort>((ushort*)_start + offset, values.Length));
        }
    }

    // A bfloat16 is the upper half of a float32.
    private static void Widen(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        int index = 0;
        for (; index <= values.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(halves[index..]), out Vector<uint> low, out Vector<uint> high);
            Vector.AsVectorSingle(low << 16).CopyTo(values[index..]);
            Vector.AsVectorSingle(high << 16).CopyTo(values[(index + Vector<float>.Count)..]);
        }

        for (; index < values.Length; index++)
        {
            values[index] = BitConverter.UInt32BitsToSingle((uint)halves[index] << 16);
        }
    }

    private static void Narrow(ReadOnlySpan<float> values, Span<ushort> halves)
    {
        int index = 0;
        for (; index <= values.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            Vector<uint> low = Round(new Vector<float>(values[index..]));
            Vector<uint> high = Round(new Vector<float>(values[(index + Vector<float>.Count)..]));
            Vector.Narrow(low, high).CopyTo(halves[index..]);
        }

        Span<float> rest = stackalloc float[Vector<float>.Count];
        for (; index < values.Length; index++)
        {
            rest[0] = values[index];
            halves[index] = (ushort)Round(new Vector<float>(rest))[0];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Round(Vector<float> values)
    {
        Vector<uint> bits = Vector.AsVectorUInt32(values);
        Vector<uint> rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        // Adding to the bits of a NaN could make a number of it.
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(values, values)), rounded, new Vector<uint>(0x7FC0));
    }
}
