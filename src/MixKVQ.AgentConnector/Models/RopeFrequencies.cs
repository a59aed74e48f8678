using MixKVQ.AgentConnector.Checkpoints;

namespace MixKVQ.AgentConnector.Models;

/// <summary>
/// Radians a position of each rotary channel pair, in float64, as transformers' modeling_rope_utils defines them.
/// </summary>
internal static class RopeFrequencies
{
    /// <summary>The frequencies at a position; only <see cref="RopeKind.Dynamic"/> depends on it.</summary>
    /// <returns>headDim / 2 numbers, falling.</returns>
    public static double[] At(RopeParameters rope, int headDim, int position) => rope.Kind switch
    {
        RopeKind.Linear => [.. Plain(rope.Theta, headDim).Select(frequency => frequency / rope.Factor)],
        RopeKind.Dynamic => Plain(DynamicTheta(rope, headDim, position), headDim),
        RopeKind.Llama3 => [.. Plain(rope.Theta, headDim).Select(frequency => Llama3(frequency, rope))],
        RopeKind.Yarn => Yarn(rope, headDim),
        _ => Plain(rope.Theta, headDim),
    };

    private static double[] Plain(double theta, int headDim) =>
        [.. Enumerable.Range(0, headDim / 2).Select(pair => Math.Pow(theta, -2.0 * pair / headDim))];

    // transformers takes the longest position of a forward pass for all its tokens. Here each token takes its own, as in
    // decoding one token a step, so that a cache's content does not depend on how the prefill was chunked.
    private static double DynamicTheta(RopeParameters rope, int headDim, int position)
    {
        double length = Math.Max(position + 1, rope.OriginalMaxPositionCount);
        double growth = (rope.Factor * length / rope.OriginalMaxPositionCount) - (rope.Factor - 1);
        return rope.Theta * Math.Pow(growth, headDim / (headDim - 2.0));
    }

    private static double Llama3(double frequency, RopeParameters rope)
    {
        // Turns over the pretrained context.
        double turns = rope.OriginalMaxPositionCount * frequency / (2 * Math.PI);
        double kept = Math.Clamp((turns - rope.LowFrequencyFactor) / (rope.HighFrequencyFactor - rope.LowFrequencyFactor), 0, 1);
        return frequency * (kept + ((1 - kept) / rope.Factor));
    }

    private static double[] Yarn(RopeParameters rope, int headDim)
    {
        double low = ChannelOfTurns(rope.BetaFast);
        double high = ChannelOfTurns(rope.BetaSlow);
        if (rope.TruncateBlend)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        low = Math.Max(low, 0);
        high = Math.Min(high, headDim - 1);
        double width = high == low ? 0.001 : high - low;
        double[] frequencies = Plain(rope.Theta, headDim);
        for (int pair = 0; pair < frequencies.Length; pair++)
        {
            double divided = Math.Clamp((pair - low) / width, 0, 1);
            frequencies[pair] *= 1 - divided + (divided / rope.Factor);
        }

        return frequencies;

        // The channel pair, as a real number, that turns so often over the pretrained context.
        double ChannelOfTurns(double turns) =>
            headDim * Math.Log(rope.OriginalMaxPositionCount / (turns * 2 * Math.PI)) / (2 * Math.Log(rope.Theta));
    }
}
