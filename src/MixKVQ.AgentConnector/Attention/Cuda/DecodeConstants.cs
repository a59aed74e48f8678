using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>The constants that attention's kernels are compiled with, by layout.</summary>
internal static class DecodeConstants
{
    /// <summary>Warps of a block; each takes pages by itself.</summary>
    public const int Warps = 4;

    /// <summary>Query heads that a block has at most.</summary>
    private const int HeadColumns = 8;

    /// <summary>Query heads that are multiplied at once: with two columns each, those of a matrix unit's product.</summary>
    private const int SetHeads = 4;

    /// <summary>The digit that stands for <see cref="WidthPalette.Full"/>.</summary>
    private const int FullDigit = 15;

    /// <summary>Blocks that share a KV head's group of query heads.</summary>
    public static int HeadTiles(CacheGeometry geometry) => (geometry.GroupSize + HeadColumns - 1) / HeadColumns;

    /// <summary>Blocks that a multiprocessor has room for: registers bound them.</summary>
    public static int Blocks(CacheGeometry geometry) => geometry.HeadDim <= 128 && geometry.GroupSize <= SetHeads ? 3 : 2;

    /// <summary>
    /// Shared memory for a copy of one of a page's matrices; a warp has two. Matrices of 3 bits an element fit, larger ones are read where they lie. 0 where the device has
    /// no room for as many blocks: less than those gain nothing.
    /// </summary>
    /// <param name="geometry">The model's shape.</param>
    /// <param name="sharedBytes">Shared memory that a block may ask for.</param>
    public static int StageBytes(CacheGeometry geometry, int sharedBytes)
    {
        int stage = geometry.HeadDim * CacheGeometry.PageTokens * 3 / 8;
        int block = Warps * 2 * stage + Warps * WarpBytes(geometry);
        return Blocks(geometry) * (block + BlockBytes(geometry)) <= sharedBytes ? stage : 0;
    }

    /// <summary>Those of PackedMatrix.cuh.</summary>
    public static IReadOnlyList<(string Name, int Value)> Matrices(PackedPageLayout layout) =>
    [
        ("HEAD_DIM", layout.Geometry.HeadDim), ("VALUE_GROUP", layout.Values.LineLength), ("SCALE_BYTES", layout.Keys.ScaleBytes),
        ("KEY_PALETTE", Digits(layout.Keys.Palette)), ("VALUE_PALETTE", Digits(layout.Values.Palette)), ("ELEMENT", (int)layout.Geometry.Format),
    ];

    /// <summary>Those of DecodeAttention.cu.</summary>
    /// <param name="layout">How pages are laid out.</param>
    /// <param name="sharedBytes">Shared memory that a block may ask for.</param>
    /// <exception cref="ArgumentException">The model's heads are too large.</exception>
    public static IReadOnlyList<(string Name, int Value)> Attention(PackedPageLayout layout, int sharedBytes)
    {
        CacheGeometry geometry = layout.Geometry;
        if (geometry.HeadDim > DecodeAttention.MaxHeadDim)
        {
            throw new ArgumentException($"The model has heads of {geometry.HeadDim} channels, and attention on a GPU takes {DecodeAttention.MaxHeadDim} at most. Set Device to cpu.");
        }

        return
        [
            .. Matrices(layout), ("GROUP_SIZE", geometry.GroupSize), ("KV_HEADS", geometry.KeyValueHeadCount), ("CORRECT_BIAS", layout.CorrectsKeyBias ? 1 : 0),
            ("WARPS", Warps), ("BLOCKS", Blocks(geometry)), ("STAGE_BYTES", StageBytes(geometry, sharedBytes)),
        ];
    }

    /// <summary>Those of MergeSplits.cu.</summary>
    public static IReadOnlyList<(string Name, int Value)> Merge(PackedPageLayout layout) =>
        [("HEAD_DIM", layout.Geometry.HeadDim), ("QUERY_HEADS", layout.Geometry.QueryHeadCount), ("ELEMENT", (int)layout.Geometry.Format), ("WARPS", Warps)];

    /// <summary>About what a warp's other memory takes, WarpMemory in DecodeState.cuh.</summary>
    private static int WarpBytes(CacheGeometry geometry) => Math.Max(geometry.HeadDim, CacheGeometry.PageTokens) * (geometry.GroupSize <= SetHeads ? 28 : 52);

    /// <summary>About what a block's queries take, and the device's own kilobyte.</summary>
    private static int BlockBytes(CacheGeometry geometry) => geometry.HeadDim * HeadColumns * sizeof(float) + 1024;

    /// <summary>A hexadecimal digit for each width, that of index 0 lowest.</summary>
    private static int Digits(WidthPalette palette) =>
        palette.Widths.Select((width, index) => (width == WidthPalette.Full ? FullDigit : width) << (4 * index)).Sum();
}
