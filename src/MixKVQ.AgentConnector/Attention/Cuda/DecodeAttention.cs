using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>
/// Attention of one new token of each of several conversations, by kernels that read packed pages in place: DecodeAttention.cu and MergeSplits.cu.
/// A history is split over blocks, whose parts a second kernel joins. One thread at a time: it holds scratch memory.
/// </summary>
/// <param name="device">Compiles and runs them.</param>
/// <param name="layout">How pages are laid out, and for which model.</param>
internal sealed class DecodeAttention(IKernelDevice device, PackedPageLayout layout) : IDisposable
{
    /// <summary>Channels of the largest head that a block's memory has room for.</summary>
    public const int MaxHeadDim = 256;

    /// <summary>Threads of a merging block.</summary>
    private const int MergeThreads = 256;

    /// <summary>Rounds of blocks that a launch is split into at most, so that the last round, in which some have nothing left to do, is a small part.</summary>
    private const int Rounds = 6;

    /// <summary>Pages that a warp has at least where there are further rounds: a block begins and ends with work of its own.</summary>
    private const int PagesOfWarp = 6;

    private readonly IKernel _attend = device.Load(new KernelProgram("DecodeAttention", DecodeConstants.Attention(layout, device.SharedBytes))).Kernel("attend_decode");
    private readonly IKernel _merge = device.Load(new KernelProgram("MergeSplits", DecodeConstants.Merge(layout))).Kernel("merge_splits");
    private readonly int _stageBytes = DecodeConstants.Warps * 2 * DecodeConstants.StageBytes(layout.Geometry, device.SharedBytes);
    private readonly DeviceBytes _partials = new(layout.Geometry.Device);
    private readonly DeviceBytes _states = new(layout.Geometry.Device);

    /// <summary>Asks for the attention of a step's tokens in one layer.</summary>
    /// <param name="sequences">Address of a <see cref="CacheSequence"/> for each conversation, on the device; the step's own tokens are in sinks or tail already.</param>
    /// <param name="count">Conversations.</param>
    /// <param name="maxPageCount">The most sealed pages that any of them has.</param>
    /// <param name="queries">Address of [count, queryHeads · headDim], float32, post-RoPE.</param>
    /// <param name="queryStride">Floats from one row of the queries to the next.</param>
    /// <param name="output">Address of [count, queryHeads · headDim] in the model's type, contiguous; overwritten.</param>
    /// <param name="layer">The layer's index.</param>
    /// <param name="scale">What logits are multiplied by.</param>
    public void Attend(nint sequences, int count, int maxPageCount, nint queries, long queryStride, nint output, int layer, float scale)
    {
        CacheGeometry geometry = layout.Geometry;
        int headBlocks = geometry.KeyValueHeadCount * DecodeConstants.HeadTiles(geometry);
        int splits = Splits(maxPageCount, headBlocks * count, device.MultiprocessorCount * DecodeConstants.Blocks(geometry));
        long rows = (long)count * geometry.QueryHeadCount * (splits + 1);
        if (splits > 0)
        {
            _partials.Reserve(rows * geometry.HeadDim * sizeof(float));
            _states.Reserve(rows * 2 * sizeof(float));
        }

        _attend.Launch(
            new AttendArguments(sequences, queries, output, _partials.Address, _states.Address, queryStride, layer, geometry.BlockCount, splits, scale),
            new KernelGrid(splits + 1, headBlocks, count), DecodeConstants.Warps * 32, _stageBytes);
        if (splits > 0)
        {
            _merge.Launch(new MergeArguments(sequences, _partials.Address, _states.Address, output, splits), new KernelGrid(geometry.QueryHeadCount, count), MergeThreads);
        }
    }

    /// <summary>Gives scratch memory back.</summary>
    public void Dispose()
    {
        _partials.Dispose();
        _states.Dispose();
    }

    /// <summary>
    /// Into how many blocks a KV head's pages are split: as many as keep the device busy evenly, and no more than it takes for each warp to have as many pages as with that many.
    /// </summary>
    /// <param name="pageCount">Pages of the longest history.</param>
    /// <param name="heads">Pairs of a KV head and a conversation.</param>
    /// <param name="residentBlocks">Blocks that the device runs at once.</param>
    internal static int Splits(int pageCount, int heads, int residentBlocks)
    {
        if (pageCount == 0)
        {
            return 0;
        }

        int most = DivideUp(pageCount, DecodeConstants.Warps);
        int further = Math.Min(residentBlocks * Rounds / heads, most / PagesOfWarp);
        int wanted = Math.Clamp(Math.Max(residentBlocks / heads, further), 1, most);
        return DivideUp(most, DivideUp(most, wanted));
    }

    private static int DivideUp(int dividend, int divisor) => (dividend + divisor - 1) / divisor;

    /// <summary>AttentionArguments of DecodeState.cuh.</summary>
    private readonly record struct AttendArguments(
        nint Sequences, nint Queries, nint Output, nint Partials, nint States, long QueryStride, int Layer, int Blocks, int Splits, float Scale);

    /// <summary>MergeArguments of MergeSplits.cu.</summary>
    private readonly record struct MergeArguments(nint Sequences, nint Partials, nint States, nint Output, int Splits);
}
