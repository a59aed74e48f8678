using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// How a scale is stored. In one byte: code 0 is 0, code c is unit · 2^((c − 255)/16), where the unit is the largest scale of the matrix;
/// the relative step of 4.4 % is the same for all, so that one outlier channel does not coarsen the others (down to 2^-15.9 of it).
/// In two bytes: the upper half of a float32.
/// </summary>
internal static class ScaleCode
{
    private const int StepsPerOctave = 16;
    private const int MantissaBits = 23;
    private const int ExponentBias = 127;

    /// <summary>2^(i/16).</summary>
    private static readonly float[] Mantissas = [.. Enumerable.Range(0, StepsPerOctave).Select(i => (float)Math.Pow(2, i / (double)StepsPerOctave))];

    /// <summary>The mantissa's bits of the first number above 2^((i + 0.5)/16): nearest codes are told by these, so that they are the same on every machine.</summary>
    private static readonly uint[] Borders =
        [.. Enumerable.Range(0, StepsPerOctave).Select(i => (uint)Math.Ceiling((Math.Pow(2, (i + 0.5) / StepsPerOctave) - 1) * (1 << MantissaBits)))];

    private static readonly float[] Ratios = AllRatios();

    /// <summary>The smallest code whose scale is at least <paramref name="scale"/>; <paramref name="unit"/> is the matrix's largest scale.</summary>
    public static ushort AtLeast(float scale, float unit, int bytes)
    {
        if (scale <= 0)
        {
            return 0;
        }

        if (bytes == 2)
        {
            return (ushort)((BitConverter.SingleToUInt32Bits(scale) + 0xFFFF) >> 16);
        }

        int code = Math.Max(1, Nearest(scale, unit, 1) - 1);
        while (code < 255 && unit * Ratios[code] < scale)
        {
            code++;
        }

        return (ushort)code;
    }

    /// <summary>The code whose scale is nearest to <paramref name="scale"/> by ratio.</summary>
    public static ushort Nearest(float scale, float unit, int bytes)
    {
        if (scale <= 0)
        {
            return 0;
        }

        if (bytes == 2)
        {
            return (ushort)Math.Min((BitConverter.SingleToUInt32Bits(scale) + 0x8000) >> 16, 0x7F7F);
        }

        uint ratio = BitConverter.SingleToUInt32Bits(scale / unit), mantissa = ratio & ((1 << MantissaBits) - 1);
        int code = 255 + StepsPerOctave * ((int)(ratio >> MantissaBits) - ExponentBias);
        foreach (uint border in Borders)
        {
            code += border <= mantissa ? 1 : 0;
        }

        return (ushort)Math.Clamp(code, 1, 255);
    }

    /// <summary>The scale of a code.</summary>
    public static float Decode(int code, float unit, int bytes) =>
        bytes == 2 ? BitConverter.UInt32BitsToSingle((uint)code << 16) : unit * Ratios[code];

    /// <summary>Writes the scales of codes, as many as there is room for.</summary>
    /// <param name="codes">The codes, one or two bytes each.</param>
    /// <param name="unit">The matrix's largest scale.</param>
    /// <param name="bytes">Bytes of a code.</param>
    /// <param name="scales">Where they are written.</param>
    public static void Decode(ReadOnlySpan<byte> codes, float unit, int bytes, Span<float> scales)
    {
        if (bytes == 2)
        {
            ElementFormat.BFloat16.Read(codes, scales);
            return;
        }

        codes = codes[..scales.Length];
        Vector256<float> units = Vector256.Create(unit);
        Vector256<float> lower = Vector256.Create(Mantissas), upper = Vector256.Create(Mantissas.AsSpan(Vector256<float>.Count));
        int i = 0;
        for (; i <= codes.Length - Vector256<int>.Count; i += Vector256<int>.Count)
        {
            Vector256<int> wide = CodeVectors.Bytes(codes[i..]);

            // Code c has the exponent (c + 1) / 16 − 16 and the mantissa of (c + 1) % 16.
            Vector256<int> next = wide + Vector256<int>.One;
            Vector256<int> low = next & Vector256.Create(7);
            Vector256<float> mantissas = Vector256.ConditionalSelect(
                Vector256.Equals(next & Vector256.Create(8), Vector256<int>.Zero).AsSingle(), Vector256.Shuffle(lower, low), Vector256.Shuffle(upper, low));
            Vector256<float> ratios = (mantissas.AsInt32() + (((next >>> 4) - Vector256.Create(StepsPerOctave)) << MantissaBits)).AsSingle();
            Vector256.AndNot(units * ratios, Vector256.Equals(wide, Vector256<int>.Zero).AsSingle()).CopyTo(scales[i..]);
        }

        for (; i < codes.Length; i++)
        {
            scales[i] = unit * Ratios[codes[i]];
        }
    }

    private static float[] AllRatios()
    {
        var ratios = new float[256];
        for (int code = 1; code < ratios.Length; code++)
        {
            ratios[code] = MathF.ScaleB(Mantissas[(code + 1) % StepsPerOctave], (code + 1) / StepsPerOctave - StepsPerOctave);
        }

        return ratios;
    }
}
