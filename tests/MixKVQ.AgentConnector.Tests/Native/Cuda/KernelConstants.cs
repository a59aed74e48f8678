using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

/// <summary>The constants that each <c>.cu</c> file is compiled with when it is checked: a shape of a large model, and one that differs where the source does.</summary>
internal static class KernelConstants
{
    private static readonly (string, int) BFloat16 = ("ELEMENT", 1);
    private static readonly (string, int) Float32 = ("ELEMENT", 0);

    private static readonly Dictionary<string, KernelProgram[]> Programs = new KernelProgram[]
    {
        new("HeadKernels", BFloat16, ("HEAD_DIM", 128), ("QUERY_HEADS", 32), ("KV_HEADS", 8)),
        new("HeadKernels", Float32, ("HEAD_DIM", 64), ("QUERY_HEADS", 14), ("KV_HEADS", 2)),
        new("Pointwise", BFloat16),
        new("Pointwise", Float32),
        new("PrefillAttention", [BFloat16, .. Prefill(8, 4, 128, 128, 2), ("KEY_PALETTE", 0x8432), ("VALUE_PALETTE", 0x8432), ("SCALE_BYTES", 1), ("CORRECT_BIAS", 1)]),
        new("PrefillAttention", [Float32, .. Prefill(2, 7, 80, 40, 1), ("KEY_PALETTE", 0xf42), ("VALUE_PALETTE", 2), ("SCALE_BYTES", 2), ("CORRECT_BIAS", 0)]),
        new("QueryStatistics"),
        new("SealPage", [BFloat16, .. Sealing(32, 8, 4, 128, 128), ("KEY_PALETTE", 0x08040302), ("VALUE_PALETTE", 0x08040302), ("SCALE_BYTES", 1), ("LEAST_SQUARES", 1)]),
        new("SealPage", [Float32, .. Sealing(3, 2, 7, 80, 40), ("KEY_PALETTE", 0x100402), ("VALUE_PALETTE", 2), ("SCALE_BYTES", 2), ("LEAST_SQUARES", 0)]),
    }.GroupBy(program => program.File).ToDictionary(group => group.Key, group => group.ToArray());

    /// <summary>The ways in which a file is compiled.</summary>
    public static IReadOnlyList<KernelProgram> Of(string file) => Programs.TryGetValue(file, out KernelProgram[]? programs)
        ? programs
        : throw new InvalidOperationException($"{file}.cu is new: give it a line in {nameof(KernelConstants)}.");

    private static (string, int)[] Prefill(int keyValueHeads, int groupSize, int headDim, int valueGroup, int rowTiles) =>
    [
        ("KV_HEADS", keyValueHeads), ("GROUP_SIZE", groupSize), ("HEAD_DIM", headDim), ("VALUE_GROUP", valueGroup),
        ("WARPS", 4), ("ROW_TILES", rowTiles), ("SHARED_BYTES", 113 * 1024),
    ];

    private static (string, int)[] Sealing(int layers, int keyValueHeads, int groupSize, int headDim, int valueGroup) =>
        [("LAYERS", layers), ("KV_HEADS", keyValueHeads), ("GROUP_SIZE", groupSize), ("HEAD_DIM", headDim), ("VALUE_GROUP", valueGroup)];
}
