using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Vector loops over floats. Lengths are multiples of 8 where not said otherwise.</summary>
internal static unsafe class Floats
{
    /// <summary>Σ a·b.</summary>
    public static float Dot(float* a, float* b, int length)
    {
        Vector256<float> sum = Vector256<float>.Zero;
        for (int i = 0; i < length; i += Vector256<float>.Count)
        {
            sum = Vector256.MultiplyAddEstimate(Vector256.Load(a + i), Vector256.Load(b + i), sum);
        }

        return Vector256.Sum(sum);
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

    /// <summary>y *= factor.</summary>
    public static void Multiply(float* y, float factor, int length)
    {
        Vector256<float> factors = Vector256.Create(factor);
        for (int i = 0; i < length; i += Vector256<float>.Count)
        {
            (Vector256.Load(y + i) * factors).Store(y + i);
        }
    }

    /// <summary>The largest of <paramref name="length"/> floats, any number of them.</summary>
    public static float Max(float* x, int length)
    {
        float largest = float.NegativeInfinity;
        int i = 0;
        if (length >= Vector256<float>.Count)
        {
            Vector256<float> lanes = Vector256.Load(x);
            for (i = Vector256<float>.Count; i <= length - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                lanes = Vector256.Max(lanes, Vector256.Load(x + i));
            }

            for (int lane = 0; lane < Vector256<float>.Count; lane++)
            {
                largest = Math.Max(largest, lanes[lane]);
            }
        }

        for (; i < length; i++)
        {
            largest = Math.Max(largest, x[i]);
        }

        return largest;
    }

    /// <summary>x = e^(x − shift) in place, any number of them; returns their sum.</summary>
    public static float ExpShifted(float* x, float shift, int length)
    {
        Vector256<float> shifts = Vector256.Create(shift);
        Vector256<float> sums = Vector256<float>.Zero;
        int i = 0;
        for (; i <= length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> powers = Vector256.Exp(Vector256.Load(x + i) - shifts);
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
}
