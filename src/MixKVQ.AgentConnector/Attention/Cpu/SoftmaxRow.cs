using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>A row's part of a running softmax.</summary>
internal static unsafe class SoftmaxRow<TVector, TFloats>
    where TVector : struct
    where TFloats : struct, IFloatVectors<TVector>
{
    /// <summary>What, added to a float of at most 2^21, leaves its nearest integer in the lower bits: 1.5 · 2^23.</summary>
    private const float ToInteger = 12582912;

    /// <summary>Below it e^x would not be a normal number, which is slow; what it gives stands for 0.</summary>
    private const float Least = -86;

    /// <summary>See <see cref="FloatKernels.Weigh"/>.</summary>
    public static float Weigh(float* logits, int count, ref float largest)
    {
        TVector most = TFloats.Load(logits);
        for (int i = TFloats.Count; i < count; i += TFloats.Count)
        {
            most = TFloats.Max(most, TFloats.Load(logits + i));
        }

        largest = Math.Max(largest, TFloats.Largest(most));
        if (float.IsNegativeInfinity(largest))
        {
            new Span<float>(logits, count).Clear();
            return 0;
        }

        TVector shift = TFloats.Create(-largest);
        TVector sums = TFloats.Create(0), moreSums = TFloats.Create(0);
        for (int i = 0; i < count; i += 2 * TFloats.Count)
        {
            TVector first = Exp(TFloats.Add(TFloats.Load(logits + i), shift));
            TVector second = Exp(TFloats.Add(TFloats.Load(logits + i + TFloats.Count), shift));
            TFloats.Store(first, logits + i);
            TFloats.Store(second, logits + i + TFloats.Count);
            sums = TFloats.Add(sums, first);
            moreSums = TFloats.Add(moreSums, second);
        }

        return TFloats.Sum(TFloats.Add(sums, moreSums));
    }

    /// <summary>e^x for x ≤ 0: 2^n · 2^f with n the integer nearest to x / ln 2, and 2^f by the polynomial of degree 5 that interpolates it best, off by at most 2e-7 of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Exp(TVector x)
    {
        // In this order, for of a number and NaN the second is taken.
        x = TFloats.Max(TFloats.Create(Least), x);
        TVector perLn2 = TFloats.Create(1.44269504f);
        TVector integer = TFloats.MultiplyAdd(x, perLn2, TFloats.Create(ToInteger));
        TVector f = TFloats.MultiplyAdd(x, perLn2, TFloats.MultiplyAdd(integer, TFloats.Create(-1), TFloats.Create(ToInteger)));
        TVector p = TFloats.MultiplyAdd(TFloats.Create(1.3390863e-3f), f, TFloats.Create(9.6760319e-3f));
        p = TFloats.MultiplyAdd(p, f, TFloats.Create(5.5503571e-2f));
        p = TFloats.MultiplyAdd(p, f, TFloats.Create(2.4022107e-1f));
        p = TFloats.MultiplyAdd(p, f, TFloats.Create(6.9314719e-1f));
        p = TFloats.MultiplyAdd(p, f, TFloats.Create(1));
        return TFloats.TimesPowerOfTwo(p, integer);
    }
}
