using MixKVQ.AgentConnector;

namespace TrainPlannerModel.Evaluation;

/// <summary>A cache policy under test.</summary>
/// <param name="Name">How the report calls it.</param>
/// <param name="Options">The cache.</param>
/// <param name="Weights">How the model's matrices are held.</param>
internal sealed record PolicyRow(string Name, KvCacheOptions Options, WeightPrecision Weights = WeightPrecision.Checkpoint)
{
    /// <summary>The full-precision cache that all others are compared with, then the others.</summary>
    public static readonly PolicyRow[] All =
    [
        new("full precision (bf16)", new KvCacheOptions { Policy = KvCachePolicy.FullPrecision }),
        new("uniform 8 bit", new KvCacheOptions { Policy = KvCachePolicy.Uniform8 }),
        new("uniform 4 bit", new KvCacheOptions { Policy = KvCachePolicy.Uniform4 }),
        new("uniform 3 bit", new KvCacheOptions { Policy = KvCachePolicy.Uniform3 }),
        new("uniform 2 bit", new KvCacheOptions { Policy = KvCachePolicy.Uniform2 }),
        new("MixKVQ, published thresholds", new KvCacheOptions { Policy = KvCachePolicy.MixKvqThresholds }),
        new("MixKVQ, budget of 2.5 bits", new KvCacheOptions { Policy = KvCachePolicy.MixKvq }),
        new("MixKVQ, budget of 3 bits", new KvCacheOptions { Policy = KvCachePolicy.MixKvq, TargetBits = 3 }),
        new("full precision, weights of 8 bits", new KvCacheOptions { Policy = KvCachePolicy.FullPrecision }, WeightPrecision.EightBit),
        new("MixKVQ, 2.5 bits, weights of 8 bits", new KvCacheOptions { Policy = KvCachePolicy.MixKvq }, WeightPrecision.EightBit),
    ];
}
