using MixKVQ.AgentConnector;

namespace TrainPlannerModel.Evaluation;

/// <summary>A cache policy under test.</summary>
/// <param name="Name">How the report calls it.</param>
internal sealed record PolicyRow(string Name, KvCacheOptions Options)
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
    ];
}
