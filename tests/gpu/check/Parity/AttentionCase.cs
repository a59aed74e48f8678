using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.GpuCheck.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>Conversations of different lengths whose attention is compared.</summary>
/// <param name="Name">How tables call it.</param>
/// <param name="Heads">The heads.</param>
/// <param name="Options">How pages are packed.</param>
/// <param name="Type">The model's type.</param>
/// <param name="Lengths">Tokens of each conversation, the new one included.</param>
internal sealed record AttentionCase(string Name, AttentionHeads Heads, KvCacheOptions Options, ScalarType Type, params IReadOnlyList<int> Lengths)
{
    private static readonly AttentionHeads Usual = new(8, 2, 128);
    private static readonly int[] FewLengths = [1, 33, 800];

    /// <summary>Layers, so that a layer that is not the first is asked for.</summary>
    public const int Layers = 2;

    /// <summary>Every policy; every group, head dimension and type with the default one; lengths around every border.</summary>
    public static IReadOnlyList<AttentionCase> All { get; } =
    [
        .. Enum.GetValues<KvCachePolicy>().Select(policy => new AttentionCase($"{policy}", Usual, new KvCacheOptions { Policy = policy }, ScalarType.BFloat16, 300, 1000)),
        new("MixKvq at 4 bits", Usual, new KvCacheOptions { TargetBits = 4 }, ScalarType.BFloat16, 300, 1000),
        new("MixKvq at 8 bits", Usual, new KvCacheOptions { TargetBits = 8 }, ScalarType.BFloat16, 300, 1000),
        new("values in groups of 32", Usual, new KvCacheOptions { TargetBits = 3, ValueGroupSize = 32 }, ScalarType.BFloat16, 300, 1000),
        new("without bias correction", Usual, new KvCacheOptions { CorrectKeyBias = false }, ScalarType.BFloat16, 300, 1000),
        .. new[] { 1, 2, 3, 4, 5, 6, 7, 8 }.Select(group => Of(new AttentionHeads(2 * group, 2, 128), ScalarType.BFloat16, FewLengths)),
        Of(new AttentionHeads(16, 1, 128), ScalarType.BFloat16, FewLengths),
        .. new[] { 32, 64, 80, 96, 256 }.Select(headDim => Of(new AttentionHeads(8, 2, headDim), ScalarType.BFloat16, FewLengths)),
        Of(Usual, ScalarType.Float32, FewLengths),
        Of(Usual, ScalarType.Float16, FewLengths),
        Of(Usual, ScalarType.BFloat16, 1, 2, 31, 32, 33, 34, 159, 160, 161, 287, 288, 289),
        Of(new AttentionHeads(32, 8, 128), ScalarType.BFloat16, 5000, 1, 2100, 161),
    ];

    /// <summary>The shapes, on the CPU.</summary>
    public CacheGeometry Geometry => Heads.Geometry(Layers, CPU) with { DType = Type };

    /// <summary>What the largest difference may be: the result's own rounding, and that of factors to half precision.</summary>
    public double Bar => Type == ScalarType.BFloat16 ? 0.01 : 0.005;

    // Small heads spend over two bits on scales alone.
    private static AttentionCase Of(AttentionHeads heads, ScalarType type, params int[] lengths) =>
        new($"{heads.Name} {type}, {string.Join(' ', lengths)} tokens", heads, new KvCacheOptions { TargetBits = heads.HeadDim < 128 ? 3.5 : 2.5 }, type, lengths);
}
