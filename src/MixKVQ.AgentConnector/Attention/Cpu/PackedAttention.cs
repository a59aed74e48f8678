using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Decode attention that reads packed pages in place, one pass over the history with a running softmax. A step divides into items, a conversation's KV head over a
/// range of pages each, which the team's threads share; how it divides depends on the context's length only, so that results depend on neither the team nor
/// what else is in the batch. Steps of more than <see cref="MostTokens"/> tokens go to <see cref="ChunkAttention"/>, and other devices to
/// <see cref="ReferenceAttention"/>. One caller at a time: it holds scratch memory.
/// </summary>
internal sealed unsafe class PackedAttention : IAttentionKernel, ITeamJob
{
    /// <summary>The longest step that is computed here.</summary>
    public const int MostTokens = 4;

    private const int LeastPagesInRange = 8;
    private const int MostRanges = 16;

    private readonly WorkerTeam? _team;
    private readonly bool _exact;
    private readonly CpuInstructions _instructions;
    private readonly HeadAttention[] _workers;
    private readonly ReferenceAttention _reference = new();
    private readonly ChunkAttention _chunks;
    private readonly ScratchFloats _states = new();
    private DecodeQuery[] _queries = [];
    private int[] _ends = [];
    private int _queryCount;
    private PackedPageLayout? _layout;
    private float _scale;
    private int _tokens;

    /// <param name="team">Shares the work; null does it on the caller's thread. Borrowed.</param>
    /// <param name="exact">Whether queries and attention weights stay float32, rather than being folded into integers of 8 bits where keys and values have up to 4 bits.</param>
    /// <param name="instructions">What integer products are written in; null for the best that this machine has.</param>
    public PackedAttention(WorkerTeam? team = null, bool exact = false, CpuInstructions? instructions = null)
    {
        _team = team;
        _exact = exact;
        _instructions = instructions ?? CpuInstructionSets.Best;
        _workers = new HeadAttention[team?.Size ?? 1];
        _chunks = new ChunkAttention(team, FloatKernels.Best);
    }

    /// <inheritdoc/>
    public Tensor Attend(Tensor queries, CacheView view, float scale)
    {
        int tokens = (int)queries.shape[0];
        if (queries.device_type != DeviceType.CPU || view.Layout.Geometry.Device.type != DeviceType.CPU)
        {
            return _reference.Attend(queries, view, scale);
        }

        if (tokens > MostTokens)
        {
            return _chunks.Attend(queries, view, scale);
        }

        using Tensor floats = queries.to(ScalarType.Float32);
        using Tensor source = floats.contiguous();
        Tensor output = empty_like(source, requires_grad: false);
        var query = new DecodeQuery(view, (float*)TensorMemory.DataPointer(source), (float*)TensorMemory.DataPointer(output));
        Attend(new ReadOnlySpan<DecodeQuery>(in query), tokens, scale);
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

    /// <summary>Attention of one new token of each of some conversations of one model, in one layer. Allocates nothing but for what grows with the longest step so far.</summary>
    /// <param name="queries">The conversations' views, queries and outputs.</param>
    /// <param name="scale">What logits are multiplied by.</param>
    /// <exception cref="ArgumentException">A view holds no token.</exception>
    public void Attend(ReadOnlySpan<DecodeQuery> queries, float scale) => Attend(queries, 1, scale);

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        int index = 0;
        while (item >= _ends[index])
        {
            index++;
        }

        ref readonly DecodeQuery query = ref _queries[index];
        int pages = query.View.Pages.Count;
        int ranges = RangeCount(pages);
        (int head, int range) = Math.DivRem(item - (index == 0 ? 0 : _ends[index - 1]), ranges);
        _workers[worker].Attend(query, _tokens, head, pages * range / ranges, pages * (range + 1) / ranges, _scale, State(item));
    }

    private void Attend(ReadOnlySpan<DecodeQuery> queries, int tokens, float scale)
    {
        if (queries.IsEmpty)
        {
            return;
        }

        Prepare(queries, tokens, scale);
        int items = _ends[_queryCount - 1];
        _states.OfLength(items * StateLength);
        if (_team is not null)
        {
            _team.Run(this, items);
        }
        else
        {
            for (int item = 0; item < items; item++)
            {
                Execute(item, 0);
            }
        }

        for (int index = 0; index < _queryCount; index++)
        {
            Merge(_queries[index], index == 0 ? 0 : _ends[index - 1]);
        }

        Array.Clear(_queries, 0, _queryCount);
    }

    private void Prepare(ReadOnlySpan<DecodeQuery> queries, int tokens, float scale)
    {
        PackedPageLayout layout = queries[0].View.Layout;
        if (!ReferenceEquals(_layout, layout))
        {
            _layout = layout;

            // All at once: whoever first takes an item on a later step allocates nothing then.
            for (int worker = 0; worker < _workers.Length; worker++)
            {
                _workers[worker] = new HeadAttention(layout, _instructions, _exact);
            }
        }

        if (_queries.Length < queries.Length)
        {
            (_queries, _ends) = (new DecodeQuery[queries.Length], new int[queries.Length]);
        }

        (_queryCount, _tokens, _scale) = (queries.Length, tokens, scale);
        int items = 0;
        for (int index = 0; index < queries.Length; index++)
        {
            if (queries[index].View.TokenCount < tokens)
            {
                throw new ArgumentException("A view holds fewer tokens than there are queries; append the step's tokens before attending.", nameof(queries));
            }

            _queries[index] = queries[index];
            _ends[index] = items += layout.Geometry.KeyValueHeadCount * RangeCount(queries[index].View.Pages.Count);
        }
    }

    /// <summary>Writes a conversation's output from the states of its items.</summary>
    private void Merge(in DecodeQuery query, int firstItem)
    {
        CacheGeometry geometry = _layout!.Geometry;
        int ranges = RangeCount(query.View.Pages.Count);
        for (int head = 0; head < geometry.KeyValueHeadCount; head++)
        {
            SoftmaxRows state = State(firstItem + head * ranges);
            for (int row = 0; row < _tokens * geometry.GroupSize; row++)
            {
                (int token, int member) = Math.DivRem(row, geometry.GroupSize);
                int queryHead = token * geometry.QueryHeadCount + head * geometry.GroupSize + member;
                state.Merge(ranges, StateLength, row, query.Output + (long)queryHead * geometry.HeadDim);
            }
        }
    }

    private int Rows => _tokens * _layout!.Geometry.GroupSize;

    private int StateLength => SoftmaxRows.Length(Rows, _layout!.Geometry.HeadDim);

    private SoftmaxRows State(int item) => new(_states.OfLength(0) + (long)item * StateLength, Rows, _layout!.Geometry.HeadDim);

    private static int RangeCount(int pages) => Math.Clamp(pages / LeastPagesInRange, 1, MostRanges);
}
