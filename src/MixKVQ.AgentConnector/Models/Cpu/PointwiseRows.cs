using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>The small operations on rows of float32, each one pass over memory.</summary>
internal static class PointwiseRows
{
    /// <summary>Divides a row by its root mean square and multiplies it by a weight.</summary>
    /// <param name="values">The row.</param>
    /// <param name="weight">As long.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="result">As long; may be the row itself.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalize(ReadOnlySpan<float> values, ReadOnlySpan<float> weight, float epsilon, Span<float> result)
    {
        Vector<float> sums = Vector<float>.Zero;
        ReadOnlySpan<Vector<float>> parts = Vectors(values);
        foreach (Vector<float> part in parts)
        {
            sums += part * part;
        }

        float sum = Vector.Sum(sums);
        for (int i = WholeVectors(values.Length); i < values.Length; i++)
        {
            sum += values[i] * values[i];
        }

        float scale = 1 / MathF.Sqrt((sum / values.Length) + epsilon);
        ReadOnlySpan<Vector<float>> weights = Vectors(weight);
        Span<Vector<float>> results = MemoryMarshal.Cast<float, Vector<float>>(result);
        for (int i = 0; i < parts.Length; i++)
        {
            results[i] = parts[i] * scale * weights[i];
        }

        for (int i = WholeVectors(values.Length); i < values.Length; i++)
        {
            result[i] = values[i] * scale * weight[i];
        }
    }

    /// <summary>Rotates a head's channel pairs (i, i + headDim / 2) in place.</summary>
    /// <param name="values">The head.</param>
    /// <param name="angles">As long: cosines, then sines.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(Span<float> values, ReadOnlySpan<float> angles)
    {
        int half = values.Length / 2;
        Span<float> first = values[..half];
        Span<float> second = values[half..];
        ReadOnlySpan<float> cosines = angles[..half];
        ReadOnlySpan<float> sines = angles[half..];
        int i = 0;
        for (; i <= half - Vector<float>.Count; i += Vector<float>.Count)
        {
            var x = new Vector<float>(first[i..]);
            var y = new Vector<float>(second[i..]);
            var cosine = new Vector<float>(cosines[i..]);
            var sine = new Vector<float>(sines[i..]);
            ((x * cosine) - (y * sine)).CopyTo(first[i..]);
            ((y * cosine) + (x * sine)).CopyTo(second[i..]);
        }

        for (; i < half; i++)
        {
            (first[i], second[i]) = ((first[i] * cosines[i]) - (second[i] * sines[i]), (second[i] * cosines[i]) + (first[i] * sines[i]));
        }
    }

    /// <summary>gate · sigmoid(gate) · up.</summary>
    /// <param name="gate">A row.</param>
    /// <param name="up">As long.</param>
    /// <param name="result">As long; may be the gate itself.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> result)
    {
        int i = 0;
        for (; i <= gate.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var x = new Vector<float>(gate[i..]);
            (x * new Vector<float>(up[i..]) / (Vector<float>.One + Vector.Exp(-x))).CopyTo(result[i..]);
        }

        for (; i < gate.Length; i++)
        {
            result[i] = gate[i] * up[i] / (1 + MathF.Exp(-gate[i]));
        }
    }

    /// <summary>sum += values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(ReadOnlySpan<float> values, Span<float> sum)
    {
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(sum[i..]) + new Vector<float>(values[i..])).CopyTo(sum[i..]);
        }

        for (; i < values.Length; i++)
        {
            sum[i] += values[i];
        }
    }

    /// <summary>values = values · factors + offsets, where each may be missing (empty).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScaleAndShift(Span<float> values, ReadOnlySpan<float> factors, ReadOnlySpan<float> offsets)
    {
        for (int i = 0; !factors.IsEmpty && i < values.Length; i++)
        {
            values[i] *= factors[i];
        }

        if (!offsets.IsEmpty)
        {
            Add(offsets, values);
        }
    }

    private static ReadOnlySpan<Vector<float>> Vectors(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, Vector<float>>(values);

    private static int WholeVectors(int length) => length - (length % Vector<float>.Count);
}
