namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>Measures one block of a page: ranges of key channels and value groups, and the values' variance.</summary>
internal static class BlockMeasurement
{
    /// <summary>Smallest and largest element of each line of [lines, <paramref name="lineLength"/>].</summary>
    public static (float[] Minima, float[] Maxima) Ranges(ReadOnlySpan<float> elements, int lineLength)
    {
        var minima = new float[elements.Length / lineLength];
        var maxima = new float[minima.Length];
        for (int line = 0; line < minima.Length; line++)
        {
            ReadOnlySpan<float> lineElements = elements.Slice(line * lineLength, lineLength);
            (float minimum, float maximum) = (lineElements[0], lineElements[0]);
            foreach (float element in lineElements)
            {
                minimum = Math.Min(minimum, element);
                maximum = Math.Max(maximum, element);
            }

            minima[line] = minimum;
            maxima[line] = maximum;
        }

        return (minima, maxima);
    }

    /// <summary>Variance of each of <paramref name="headDim"/> channels over the tokens of [tokens, headDim], mean over channels.</summary>
    public static double Variance(ReadOnlySpan<float> values, int headDim)
    {
        Span<double> sums = stackalloc double[headDim];
        Span<double> squares = stackalloc double[headDim];
        sums.Clear();
        squares.Clear();
        int tokens = values.Length / headDim;
        for (int token = 0; token < tokens; token++)
        {
            ReadOnlySpan<float> row = values.Slice(token * headDim, headDim);
            for (int channel = 0; channel < headDim; channel++)
            {
                double value = row[channel];
                sums[channel] += value;
                squares[channel] += value * value;
            }
        }

        double variance = 0;
        for (int channel = 0; channel < headDim; channel++)
        {
            double mean = sums[channel] / tokens;
            variance += Math.Max(0, squares[channel] / tokens - mean * mean);
        }

        return variance / headDim;
    }
}
