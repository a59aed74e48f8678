using System.Numerics;
using System.Numerics.Tensors;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Rows of signed bytes, each with one unit: symmetric, from −127 to 127, the largest magnitude exact.</summary>
internal static class Int8Rows
{
    private const int Largest = 127;

    /// <summary>Rounds a row to the nearest multiples of its unit.</summary>
    /// <param name="values">The row.</param>
    /// <param name="codes">As long.</param>
    /// <returns>The unit: 0 for a row of zeros, not finite for a row that is not.</returns>
    public static float Quantize(ReadOnlySpan<float> values, Span<sbyte> codes)
    {
        float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(values));
        if (largest == 0 || !float.IsFinite(largest))
        {
            codes.Clear();
            return largest;
        }

        float perUnit = Largest / largest;
        for (int i = 0; i < values.Length; i++)
        {
            codes[i] = (sbyte)MathF.Round(values[i] * perUnit);
        }

        return largest / Largest;
    }

    /// <summary>The values that codes stand for.</summary>
    /// <param name="codes">A row.</param>
    /// <param name="unit">Its unit.</param>
    /// <param name="values">As long.</param>
    public static void Dequantize(ReadOnlySpan<sbyte> codes, float unit, Span<float> values)
    {
        var units = new Vector<float>(unit);
        int i = 0;
        for (; i <= codes.Length - Vector<sbyte>.Count; i += Vector<sbyte>.Count)
        {
            Vector.Widen(new Vector<sbyte>(codes[i..]), out Vector<short> lower, out Vector<short> upper);
            Store(lower, values[i..]);
            Store(upper, values[(i + Vector<short>.Count)..]);
        }

        for (; i < codes.Length; i++)
        {
            values[i] = codes[i] * unit;
        }

        void Store(Vector<short> shorts, Span<float> target)
        {
            Vector.Widen(shorts, out Vector<int> first, out Vector<int> second);
            (Vector.ConvertToSingle(first) * units).CopyTo(target);
            (Vector.ConvertToSingle(second) * units).CopyTo(target[Vector<int>.Count..]);
        }
    }
}
