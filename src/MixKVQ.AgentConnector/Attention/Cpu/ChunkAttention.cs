using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Attention of a chunk of tokens, as a prompt brings them, over a history of packed pages: causal inside the chunk, exact but for float32's rounding, without a
/// dequantized copy of the history. One thread at a time: it holds scratch memory.
/// </summary>
/// <param name="team">Shares the work: KV heads, and blocks of a head's rows; null does it on the caller's thread. Borrowed.</param>
/// <param name="kernels">The float loops.</param>
internal sealed unsafe class ChunkAttention(WorkerTeam? team, FloatKernels kernels) : IAttentionKernel, ITeamJob
{
    /// <summary>Rows of a block at most: with their queries, logits and outputs they stay in the second-level cache beside a page's matrix.</summary>
    private const int MostBlockRows = 256;

    private readonly ChunkRows[] _workers = [.. Enumerable.Range(0, team?.Size ?? 1).Select(_ => new ChunkRows(kernels))];
    private ChunkStep _step;
    private int _blocks;
    private int _blockRows;

    /// <inheritdoc/>
    public Tensor Attend(Tensor queries, CacheView view, float scale)
    {
        int tokens = (int)queries.shape[0];
        if (view.TokenCount < tokens)
        {
            throw new ArgumentException("The view holds fewer tokens than there are queries; append the step's tokens before attending.", nameof(view));
        }

        using Tensor floats = queries.to(ScalarType.Float32);
        using Tensor source = floats.contiguous();
        Tensor output = empty_like(source, requires_grad: false);
        _step = new ChunkStep(view, (float*)TensorMemory.DataPointer(source), (float*)TensorMemory.DataPointer(output), tokens, scale);
        Run(view.Layout.Geometry.KeyValueHeadCount);
        _step = default;
        GC.KeepAlive(source);
        if (queries.dtype == ScalarType.Float32)
        {
            return output;
        }

        using (output)
        {
            return output.to(queries.dtype);
        }
    }

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        (int head, int block) = Math.DivRem(item, _blocks);
        int firstRow = block * _blockRows;
        _workers[worker].Attend(_step, head, firstRow, Math.Min(_blockRows, _step.Rows - firstRow));
    }

    /// <summary>Each block dequantizes its head's pages anew, so blocks are as large as fits, but no fewer than there are threads.</summary>
    private void Run(int heads)
    {
        int blocks = Math.Max((_step.Rows + MostBlockRows - 1) / MostBlockRows, (_workers.Length + heads - 1) / heads);
        _blockRows = (_step.Rows + blocks - 1) / blocks;
        _blocks = (_step.Rows + _blockRows - 1) / _blockRows;
        int items = heads * _blocks;
        if (team is not null)
        {
            team.Run(this, items);
            return;
        }

        for (int item = 0; item < items; item++)
        {
            Execute(item, 0);
        }
    }
}
