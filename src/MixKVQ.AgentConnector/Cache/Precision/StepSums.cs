using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>Sums over one token's floats in double precision, in an order that does not depend on the machine.</summary>
internal static class StepSums
{
    /// <summary>sums[i] += |values[i]|.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddMagnitudes(ReadOnlySpan<float> values, Span<double> sums)
    {
        int i = 0;
        for (; i <= values.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Abs(Vector256.Create(values.Slice(i, Vector256<float>.Count))));
            Span<double> eight = sums.Slice(i, Vector256<float>.Count);
            (Vector256.Create<double>(eight) + lower).CopyTo(eight);
            eight = eight[Vector256<double>.Count..];
            (Vector256.Create<double>(eight) + upper).CopyTo(eight);
        }

        for (; i < values.Length; i++)
        {
            sums[i] += Math.Abs(values[i]);
        }
    }

    /// <summary>Σ value².</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Energy(ReadOnlySpan<float> values)
    {
        Vector256<double> even = default, odd = default;
        int i = 0;
        for (; i <= values.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Create(values.Slice(i, Vector256<float>.Count)));
            even += lower * lower;
            odd += upper * upper;
        }

        double energy = Vector256.Sum(even + odd);
        for (; i < values.Length; i++)
        {
            energy += (double)values[i] * values[i];
        }

        return energy;
    }
}
