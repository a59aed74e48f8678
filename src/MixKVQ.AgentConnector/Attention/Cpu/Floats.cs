using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Vector loops over floats. Lengths are multiples of 8 where not said otherwise.</summary>
internal static unsafe class Floats
{
    /// <summary>The larger of each pair of lanes, none of them NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    /// <summary>The largest lane, none of them NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector256<float> lanes)
    {
        Vector128<float> four = Vector128.MaxNative(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(two[0], two[1]);
    }

    /// <summary>The sum of the lanes of each of four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sums(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        if (!Avx.IsSupported)
        {
            return Vector128.Create(Vector256.Sum(a), Vector256.Sum(b), Vector256.Sum(c), Vector256.Sum(d));
        }

        Vector256<float> ab = Avx.UnpackLow(a, b) + Avx.UnpackHigh(a, b), cd = Avx.UnpackLow(c, d) + Avx.UnpackHigh(c, d);
        Vector256<float> four = Avx.Shuffle(ab, cd, 0x44) + Avx.Shuffle(ab, cd, 0xEE);
        return four.GetLower() + four.GetUpper();
    }

    /// <summary>y += factor · x.</summary>
    public static void AddScaled(float* x, float factor, float* y, int length)
    {
        Vector256<float> factors = Vector256.Create(factor);
        for (int i = 0; i < length; i += Vector256<float>.Count)
        {
            Vector256.MultiplyAddEstimate(Vector256.Load(x + i), factors, Vector256.Load(y + i)).Store(y + i);
        }
    }

    /// <summary>y += constant.</summary>
    public static void AddConstant(float constant, float* y, int length)
    {
        Vector256<float> constants = Vector256.Create(constant);
        for (int i = 0; i < length; i += Vector256<float>.Count)
        {
            (Vector256.Load(y + i) + constants).Store(y + i);
        }
    }

    /// <summary>y = factor · x; they may be the same.</summary>
    public static void Multiply(float* x, float factor, float* y, int length)
    {
        Vector256<float> factors = Vector256.Create(factor);
        for (int i = 0; i < length; i += Vector256<float>.Count)
        {
            (Vector256.Load(x + i) * factors).Store(y + i);
        }
    }

    /// <summary>The largest of <paramref name="length"/> floats, any number of them.</summary>
    public static float Max(float* x, int length)
    {
        Vector256<float> lanes = Vector256.Create(float.NegativeInfinity);
        int i = 0;
        for (; i <= length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            lanes = Max(lanes, Vector256.Load(x + i));
        }

        float largest = Largest(lanes);
        for (; i < length; i++)
        {
            largest = MathF.Max(largest, x[i]);
        }

        return largest;
    }

    /// <summary>x = e^(x − shift) in place, any number of them, none above the shift; returns their sum.</summary>
    public static float ExpShifted(float* x, float shift, int length)
    {
        Vector256<float> shifts = Vector256.Create(shift);
        Vector256<float> sums = Vector256<float>.Zero;
        int i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<float> wideSums = Vector512<float>.Zero;
            for (; i <= length - Vector512<float>.Count; i += Vector512<float>.Count)
            {
                Vector512<float> powers = Exp(Vector512.Load(x + i) - Vector512.Create(shift));
                powers.Store(x + i);
                wideSums += powers;
            }

            sums = wideSums.GetLower() + wideSums.GetUpper();
        }

        for (; i <= length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> powers = Exp(Vector256.Load(x + i) - shifts);
            powers.Store(x + i);
            sums += powers;
        }

        float sum = Vector256.Sum(sums);
        for (; i < length; i++)
        {
            sum += x[i] = MathF.Exp(x[i] - shift);
        }

        return sum;
    }

    /// <summary>e^x for x from −∞ to 0, to within a millionth of it, and 2^−126 where it is less.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        // e^x = 2^n · 2^f with |f| ≤ 1/2; adding 1.5 · 2^23 rounds to the nearest n and leaves it in the lowest bits.
        Vector256<float> rounder = Vector256.Create(12582912f);
        Vector256<float> exponent = Max(x * Vector256.Create(1.44269504f), Vector256.Create(-126f));
        Vector256<float> moved = exponent + rounder;
        Vector256<float> f = exponent - (moved - rounder);
        Vector256<float> p = Vector256.MultiplyAddEstimate(Vector256.Create(0.00133389f), f, Vector256.Create(0.00961813f));
        p = Vector256.MultiplyAddEstimate(p, f, Vector256.Create(0.05550411f));
        p = Vector256.MultiplyAddEstimate(p, f, Vector256.Create(0.24022651f));
        p = Vector256.MultiplyAddEstimate(p, f, Vector256.Create(0.69314718f));
        p = Vector256.MultiplyAddEstimate(p, f, Vector256<float>.One);
        return (p.AsInt32() + (moved.AsInt32() << 23)).AsSingle();
    }

    /// <summary>The same in wider vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Exp(Vector512<float> x)
    {
        Vector512<float> rounder = Vector512.Create(12582912f);
        Vector512<float> exponent = Vector512.MaxNative(x * Vector512.Create(1.44269504f), Vector512.Create(-126f));
        Vector512<float> moved = exponent + rounder;
        Vector512<float> f = exponent - (moved - rounder);
        Vector512<float> p = Vector512.MultiplyAddEstimate(Vector512.Create(0.00133389f), f, Vector512.Create(0.00961813f));
        p = Vector512.MultiplyAddEstimate(p, f, Vector512.Create(0.05550411f));
        p = Vector512.MultiplyAddEstimate(p, f, Vector512.Create(0.24022651f));
        p = Vector512.MultiplyAddEstimate(p, f, Vector512.Create(0.69314718f));
        p = Vector512.MultiplyAddEstimate(p, f, Vector512<float>.One);
        return (p.AsInt32() + (moved.AsInt32() << 23)).AsSingle();
    }
}
