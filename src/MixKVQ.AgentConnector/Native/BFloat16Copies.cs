using System.Numerics;
using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Copies between float32 and bfloat16, the upper half of a float32.</summary>
internal static class BFloat16Copies
{
    /// <summary>Reads as many numbers as <paramref name="values"/> has room for; exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(ReadOnlySpan<ushort> halves, Span<float> values)
    {
        halves = halves[..values.Length];
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

    /// <summary>Writes numbers, rounded to nearest even; a NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(ReadOnlySpan<float> values, Span<ushort> halves)
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
