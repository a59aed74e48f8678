using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>A block of prefill attention: how many rows it takes, and what memory.</summary>
/// <param name="Warps">Warps of the block.</param>
/// <param name="RowTiles">Tiles of 16 rows that a warp takes.</param>
/// <param name="SharedBytes">Its shared memory.</param>
internal readonly record struct PrefillBlock(int Warps, int RowTiles, int SharedBytes)
{
    private const int MaxWarps = 8;

    /// <summary>Heads up to so many channels leave a warp registers for two tiles of rows.</summary>
    private const int MaxTwoTileChannels = 128;

    private const int MaxChannels = 256;
    private const int ReservedBytes = 1024;

    /// <summary>Rows of the block.</summary>
    public int Rows => 16 * Warps * RowTiles;

    /// <summary>Threads of the block.</summary>
    public int Threads => 32 * Warps;

    /// <summary>Blocks that a multiprocessor runs side by side.</summary>
    public int BlocksAtOnce(IKernelDevice device) => Math.Min(MaxWarps / Warps, (device.SharedBytes + ReservedBytes) / (SharedBytes + ReservedBytes));

    /// <summary>The block for a layout on a device.</summary>
    /// <exception cref="NotSupportedException">Heads are too large for the kernel or the device.</exception>
    public static PrefillBlock For(PackedPageLayout layout, IKernelDevice device)
    {
        int headDim = layout.Geometry.HeadDim;
        PrefillBlock[] blocks = [Of(layout, 4, 2), Of(layout, 4, 1), Of(layout, 2, 1), Of(layout, 1, 1)];
        int chosen = Array.FindIndex(blocks, block => block.SharedBytes <= device.SharedBytes && (block.RowTiles == 1 || headDim <= MaxTwoTileChannels));
        return headDim <= MaxChannels && chosen >= 0 ? blocks[chosen] : throw new NotSupportedException(
            $"Heads of {headDim} channels in value groups of {layout.Values.LineLength} are too large for prefill attention on this GPU: at most {MaxChannels} channels, and here " +
            $"{blocks[^1].SharedBytes} bytes of shared memory of the {device.SharedBytes} that a block may have. Use larger value groups, a larger GPU, or the CPU.");
    }

    /// <summary>The memory is that of Shared in PrefillState.cuh.</summary>
    private static PrefillBlock Of(PackedPageLayout layout, int warps, int rowTiles)
    {
        const int alignment = 64, lineBytes = 10, termBytes = 8, matrixBytes = 40;
        int channels = layout.Geometry.HeadDim, padded = (channels + 15) / 16 * 16, rows = 16 * warps * rowTiles, groups = layout.ValueGroupCount;
        int tiles = sizeof(ushort) * (((rows + CacheGeometry.PageTokens) * (padded + 8)) + (padded * (CacheGeometry.PageTokens + 8)));
        int plans = (channels * (lineBytes + termBytes)) + (groups * CacheGeometry.PageTokens * lineBytes) + ((1 + groups) * matrixBytes);
        return new PrefillBlock(warps, rowTiles, tiles + plans + (sizeof(float) * (rows + warps)) + alignment);
    }
}
