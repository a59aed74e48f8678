using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>How a matrix's zeros are stored: origin + unit · code, with codes of one or two bytes, over the range that the zeros span.</summary>
/// <param name="Origin">The smallest zero.</param>
/// <param name="Unit">Distance of two neighbouring codes.</param>
/// <param name="Bytes">Bytes of a code: 1 or 2.</param>
internal readonly record struct ZeroGrid(float Origin, float Unit, int Bytes)
{
    /// <summary>The grid over a range.</summary>
    public static ZeroGrid Over(float smallest, float largest, int bytes) =>
        new(smallest, (float)(((double)largest - smallest) / MaxCode(bytes)), bytes);

    /// <summary>
    /// One byte where that is fine enough for the scales at hand, else two: keys of some models have biases far larger than most channels' range.
    /// A zero is rounded down, which widens a line's range by up to one grid unit; one byte is enough while that is under 1/16 of the median range.
    /// </summary>
    public static int BytesFor(ReadOnlySpan<float> minima, ReadOnlySpan<float> maxima)
    {
        Span<float> ranges = stackalloc float[minima.Length];
        float smallest = minima[0];
        float largest = minima[0];
        for (int line = 0; line < minima.Length; line++)
        {
            ranges[line] = maxima[line] - minima[line];
            smallest = Math.Min(smallest, minima[line]);
            largest = Math.Max(largest, minima[line]);
        }

        ranges.Sort();
        return ((double)largest - smallest) / MaxCode(1) <= ranges[ranges.Length / 2] / 16 ? 1 : 2;
    }

    /// <summary>The largest code whose zero is at most <paramref name="value"/>.</summary>
    public int AtMost(float value)
    {
        if (Unit == 0)
        {
            return 0;
        }

        int code = (int)Math.Clamp(Math.Ceiling(((double)value - Origin) / Unit), 0, MaxCode(Bytes));
        while (code > 0 && Decode(code) > value)
        {
            code--;
        }

        return code;
    }

    /// <summary>The code whose zero is nearest to <paramref name="value"/>.</summary>
    public int Nearest(float value) => Unit == 0 ? 0 : (int)Math.Clamp(Math.Round(((double)value - Origin) / Unit), 0, MaxCode(Bytes));

    /// <summary>The zero of a code.</summary>
    public float Decode(int code) => Origin + Unit * code;

    /// <summary>Writes the zeros of codes, as many as there is room for.</summary>
    public void Decode(ReadOnlySpan<byte> codes, Span<float> zeros)
    {
        (Vector256<float> origins, Vector256<float> units) = (Vector256.Create(Origin), Vector256.Create(Unit));
        int i = 0;
        for (; i <= zeros.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<int> wide = Bytes == 1 ? CodeVectors.Bytes(codes[i..]) : CodeVectors.Words(codes[(2 * i)..]);
            (origins + units * Vector256.ConvertToSingle(wide)).CopyTo(zeros[i..]);
        }

        for (; i < zeros.Length; i++)
        {
            zeros[i] = Decode(Bytes == 1 ? codes[i] : MemoryMarshal.Read<ushort>(codes[(2 * i)..]));
        }
    }

    private static int MaxCode(int bytes) => (1 << (8 * bytes)) - 1;
}
