namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// How a scale is stored. In one byte: code 0 is 0, code c is unit · 2^((c − 255)/16), where the unit is the largest scale of the matrix;
/// the relative step of 4.4 % is the same for all, so that one outlier channel does not coarsen the others (down to 2^-15.9 of it).
/// In two bytes: the upper half of a float32.
/// </summary>
internal static class ScaleCode
{
    private const int StepsPerOctave = 16;
    private static readonly float[] Ratios = [0, .. Enumerable.Range(1, 255).Select(code => (float)Math.Pow(2, (code - 255) / (double)StepsPerOctave))];

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

        int code = Math.Clamp(255 + (int)Math.Floor(StepsPerOctave * Math.Log2((double)scale / unit)), 1, 255);
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

        return bytes == 2
            ? (ushort)Math.Min((BitConverter.SingleToUInt32Bits(scale) + 0x8000) >> 16, 0x7F7F)
            : (ushort)Math.Clamp(255 + (int)Math.Round(StepsPerOctave * Math.Log2((double)scale / unit)), 1, 255);
    }

    /// <summary>The scale of a code.</summary>
    public static float Decode(int code, float unit, int bytes) =>
        bytes == 2 ? BitConverter.UInt32BitsToSingle((uint)code << 16) : unit * Ratios[code];
}
