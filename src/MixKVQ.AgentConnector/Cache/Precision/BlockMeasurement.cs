using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>Measures one block of a page, [tokens, headDim] of keys or values: the ranges of channels or of tokens' groups, and the values' variance. All finite.</summary>
internal static class BlockMeasurement
{
    /// <summary>Smallest and largest element of each channel over the tokens: [headDim].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ChannelRanges(ReadOnlySpan<float> tokens, Span<float> minima, Span<float> maxima)
    {
        int headDim = minima.Length;
        for (int channel = 0; channel < headDim; channel += Vector256<float>.Count)
        {
            Vector256<float> minimum = Vector256.Create(tokens[channel..]), maximum = minimum;
            for (int at = channel + headDim; at < tokens.Length; at += headDim)
            {
                Vector256<float> elements = Vector256.Create(tokens[at..]);
                minimum = Vector256.MinNative(minimum, elements);
                maximum = Vector256.MaxNative(maximum, elements);
            }

            minimum.CopyTo(minima[channel..]);
            maximum.CopyTo(maxima[channel..]);
        }
    }

    /// <summary>Smallest and largest element of each token's groups of channels: [groups, tokens].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GroupRanges(ReadOnlySpan<float> tokens, int headDim, int groupLength, Span<float> minima, Span<float> maxima)
    {
        int line = 0;
        for (int group = 0; group < headDim; group += groupLength)
        {
            for (int start = group; start < tokens.Length; start += headDim, line++)
            {
                Vector256<float> minimum = Vector256.Create(tokens[start..]), maximum = minimum;
                for (int at = start + Vector256<float>.Count; at < start + groupLength; at += Vector256<float>.Count)
                {
                    Vector256<float> elements = Vector256.Create(tokens[at..]);
                    minimum = Vector256.MinNative(minimum, elements);
                    maximum = Vector256.MaxNative(maximum, elements);
                }

                minima[line] = Smallest(minimum);
                maxima[line] = -Smallest(-maximum);
            }
        }
    }

    /// <summary>Variance of each channel over the tokens, mean over channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Variance(ReadOnlySpan<float> tokens, int headDim)
    {
        int count = tokens.Length / headDim;
        double variance = 0;
        for (int channel = 0; channel < headDim; channel += Vector256<float>.Count)
        {
            // Distances from the first token, so that channels far from zero lose nothing in float32.
            Vector256<float> origin = Vector256.Create(tokens[channel..]);
            (Vector256<float> sum, Vector256<float> squares) = (default, default);
            for (int at = channel + headDim; at < tokens.Length; at += headDim)
            {
                Vector256<float> distance = Vector256.Create(tokens[at..]) - origin;
                sum += distance;
                squares = Vector256.MultiplyAddEstimate(distance, distance, squares);
            }

            for (int lane = 0; lane < Vector256<float>.Count; lane++)
            {
                double mean = (double)sum[lane] / count;
                variance += Math.Max(0, (double)squares[lane] / count - mean * mean);
            }
        }

        return variance / headDim;
    }

    private static float Smallest(Vector256<float> lanes)
    {
        Vector128<float> four = Vector128.MinNative(lanes.GetLower(), lanes.GetUpper());
        Vector128<float> two = Vector128.MinNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Math.Min(two[0], two[1]);
    }
}
