namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>The affine quantizer of one line: element = zero + scale · code, code from 0 to 2^bits − 1.</summary>
/// <param name="Scale">The step; 0 where all elements equal the zero.</param>
/// <param name="Zero">What code 0 stands for.</param>
internal readonly record struct AffineLine(float Scale, float Zero)
{
    private const int Refinements = 4;

    /// <summary>The largest code of a width.</summary>
    public static int MaxCode(int bits) => (1 << bits) - 1;

    /// <summary>
    /// Scale and zero of least squared error, found by alternating between nearest codes and the line fitted through them, from the range's quantizer on.
    /// </summary>
    public static AffineLine LeastSquares(ReadOnlySpan<float> elements, float minimum, float maximum, int bits, Span<byte> codes)
    {
        var line = new AffineLine((float)(((double)maximum - minimum) / MaxCode(bits)), minimum);
        for (int round = 0; round < Refinements && line.Scale > 0; round++)
        {
            line.Quantize(elements, bits, codes);
            (double sumC, double sumCC, double sumX, double sumXC) = Moments(elements, codes);
            double spread = elements.Length * sumCC - sumC * sumC;
            double scale = spread > 0 ? (elements.Length * sumXC - sumX * sumC) / spread : 0;
            if (!(scale > 0) || !float.IsFinite((float)scale))
            {
                break;
            }

            line = new AffineLine((float)scale, (float)((sumX - scale * sumC) / elements.Length));
        }

        return line;
    }

    /// <summary>Writes the code nearest to each element.</summary>
    public void Quantize(ReadOnlySpan<float> elements, int bits, Span<byte> codes)
    {
        codes = codes[..elements.Length];
        if (Scale <= 0)
        {
            codes.Clear();
            return;
        }

        float largest = MaxCode(bits);
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (byte)MathF.Round(Math.Min(Math.Max((elements[i] - Zero) / Scale, 0), largest));
        }
    }

    /// <summary>The zero that, with this scale and these codes, has the least squared error.</summary>
    public float BestZero(ReadOnlySpan<float> elements, ReadOnlySpan<byte> codes)
    {
        double sum = 0;
        for (int i = 0; i < elements.Length; i++)
        {
            sum += elements[i] - Scale * codes[i];
        }

        return (float)(sum / elements.Length);
    }

    private static (double SumC, double SumCC, double SumX, double SumXC) Moments(ReadOnlySpan<float> elements, ReadOnlySpan<byte> codes)
    {
        long sumC = 0;
        long sumCC = 0;
        double sumX = 0;
        double sumXC = 0;
        for (int i = 0; i < elements.Length; i++)
        {
            int code = codes[i];
            sumC += code;
            sumCC += code * code;
            sumX += elements[i];
            sumXC += (double)elements[i] * code;
        }

        return (sumC, sumCC, sumX, sumXC);
    }
}
