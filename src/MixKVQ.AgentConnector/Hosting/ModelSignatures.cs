using System.Globalization;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Puts what a saved cache must have in common with a loaded model into words, the same in every culture.</summary>
internal static class ModelSignatures
{
    /// <summary>The signature of a model that was loaded from a folder.</summary>
    /// <param name="options">What it was loaded with, checked.</param>
    /// <param name="rope">Its rotary embeddings.</param>
    /// <param name="geometry">Its cache's shape.</param>
    /// <exception cref="InvalidDataException">A file of the folder has changed since and is not usable now.</exception>
    /// <exception cref="IOException">A file of the folder cannot be read.</exception>
    public static ModelSignature Of(MixKvqOptions options, RopeParameters rope, CacheGeometry geometry) =>
        new(ModelFingerprint.Of(options.ModelPath), Words(rope), Words(geometry, options));

    private static string Words(RopeParameters rope)
    {
        string theta = Text($"theta {rope.Theta}");
        string stretched = Text($"{theta}, factor {rope.Factor}, pretrained on {rope.OriginalMaxPositionCount} tokens");
        return rope.Kind switch
        {
            RopeKind.Linear => Text($"linear, {theta}, factor {rope.Factor}"),
            RopeKind.Dynamic => $"dynamic, {stretched}",
            RopeKind.Llama3 => Text($"llama3, {stretched}, low and high frequency factors {rope.LowFrequencyFactor} and {rope.HighFrequencyFactor}"),
            RopeKind.Yarn => Text($"yarn, {stretched}, beta fast {rope.BetaFast} and slow {rope.BetaSlow}, {(rope.TruncateBlend ? "" : "not ")}truncated, attention factor {rope.AttentionFactor}"),
            _ => $"default, {theta}",
        };
    }

    private static string Words(CacheGeometry geometry, MixKvqOptions model)
    {
        KvCacheOptions options = model.Cache;
        string policy = options.Policy switch
        {
            KvCachePolicy.MixKvq => Text($"{options.Policy} of {options.TargetBits} bits"),
            KvCachePolicy.MixKvqThresholds => Text($"{options.Policy} of {options.FullPrecisionThreshold} and {options.FourBitThreshold}"),
            _ => $"{options.Policy}",
        };
        string shape = Text($"{geometry.LayerCount} layers, {geometry.QueryHeadCount} query heads, {geometry.KeyValueHeadCount} KV heads of {geometry.HeadDim}, {geometry.DType}{(model.Weights == WeightPrecision.EightBit ? ", weights of 8 bits" : "")}");
        string tokens = Text($"{CacheGeometry.SinkTokens} sinks, pages of {CacheGeometry.PageTokens} in quads, value groups of {options.ValueGroupSize ?? geometry.HeadDim}");
        return $"{shape}, {tokens}, {policy}, values {(options.ExpectsRotatedValues ? "" : "not ")}rotated, key bias {(options.CorrectsKeyBias ? "" : "not ")}corrected{(options.ExactAttention ? ", attention exact" : "")}";
    }

    private static string Text(FormattableString words) => words.ToString(CultureInfo.InvariantCulture);
}
