using MixKVQ.AgentConnector.Cache;
using TorchSharp;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>The heads of a model.</summary>
/// <param name="Name">How tables call it.</param>
/// <param name="Geometry">One layer of it in bf16.</param>
internal sealed record AttentionShape(string Name, CacheGeometry Geometry)
{
    /// <summary>The models whose shapes are measured.</summary>
    public static IReadOnlyList<AttentionShape> All =>
    [
        new("32/8/128 (Qwen3-8B)", Of(32, 8, 128)),
        new("12/2/128 (R1-Distill-Qwen-1.5B)", Of(12, 2, 128)),
        new("32/8/64 (Llama-3.2-1B)", Of(32, 8, 64)),
    ];

    private static CacheGeometry Of(int queryHeads, int keyValueHeads, int headDim) =>
        new(1, queryHeads, keyValueHeads, headDim, torch.ScalarType.BFloat16, torch.CPU, null);
}
