using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>
/// Attention of a chunk's tokens over one conversation's packed history, see PrefillAttention.cu: the history is split into shares where there are fewer blocks of rows than the
/// GPU runs at once. One thread at a time.
/// </summary>
internal sealed class PrefillAttention : IDisposable
{
    private const int MergeThreads = 128;
    private const int MergeRows = MergeThreads / 32;

    /// <summary>Sinks, pages and tail are pieces; a share has at least so many, or joining the shares takes longer than it saves.</summary>
    private const int FewestPieces = 2;

    private readonly CacheGeometry _geometry;
    private readonly PrefillBlock _block;
    private readonly int _blocksAtOnce;
    private readonly IKernel _attend;
    private readonly IKernel _merge;
    private readonly DeviceBytes _partials;
    private readonly DeviceBytes _sums;

    /// <param name="kernels">Compiles and runs it.</param>
    /// <param name="layout">How pages are laid out.</param>
    /// <param name="device">Where the tensors of <paramref name="kernels"/> lie.</param>
    /// <exception cref="CudaException">The kernels do not compile.</exception>
    /// <exception cref="NotSupportedException">Heads are too large for the kernel or the device.</exception>
    public PrefillAttention(IKernelDevice kernels, PackedPageLayout layout, Device device)
    {
        _geometry = layout.Geometry;
        _block = PrefillBlock.For(layout, kernels);
        _blocksAtOnce = kernels.MultiprocessorCount * _block.BlocksAtOnce(kernels);
        IKernelModule module = kernels.Load(new KernelProgram(
            "PrefillAttention",
            [
                .. DecodeConstants.Matrices(layout), ("GROUP_SIZE", _geometry.GroupSize), ("KV_HEADS", _geometry.KeyValueHeadCount),
                ("CORRECT_BIAS", layout.CorrectsKeyBias ? 1 : 0), ("WARPS", _block.Warps), ("ROW_TILES", _block.RowTiles), ("SHARED_BYTES", _block.SharedBytes),
            ]));
        (_attend, _merge) = (module.Kernel("attend_prefill"), module.Kernel("merge_prefill"));
        (_partials, _sums) = (new DeviceBytes(device), new DeviceBytes(device));
    }

    /// <summary>Launches attention of the sequence's last tokens.</summary>
    /// <param name="arguments">All but what lies between the launches, which this fills in.</param>
    public void Attend(PrefillArguments arguments)
    {
        int rows = arguments.Tokens * _geometry.GroupSize, heads = _geometry.KeyValueHeadCount;
        int blocks = (rows + _block.Rows - 1) / _block.Rows;
        int pieces = arguments.Sequence.PageCount + 2;
        arguments.Shares = Math.Clamp(_blocksAtOnce / (blocks * heads), 1, pieces / FewestPieces);
        if (arguments.Shares > 1)
        {
            long states = (long)arguments.Shares * heads * rows;
            _partials.Reserve(states * _geometry.HeadDim * sizeof(float));
            _sums.Reserve(states * 2 * sizeof(float));
            (arguments.Partials, arguments.Sums) = (_partials.Address, _sums.Address);
        }

        _attend.Launch(arguments, new KernelGrid(blocks, heads, arguments.Shares), _block.Threads, _block.SharedBytes);
        if (arguments.Shares > 1)
        {
            _merge.Launch(arguments, new KernelGrid(((rows * heads) + MergeRows - 1) / MergeRows), MergeThreads);
        }
    }

    /// <summary>Gives the memory between the launches back.</summary>
    public void Dispose()
    {
        _partials.Dispose();
        _sums.Dispose();
    }
}
