using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Attention of one KV head's few queries over a range of a history. One thread at a time: it holds scratch memory.</summary>
internal sealed unsafe class HeadAttention
{
    /// <summary>Pages whose logits are weighed together: a softmax waits for its logits, and so does what follows it.</summary>
    private const int RunPages = 4;

    private const int RunStride = RunPages * CacheGeometry.PageTokens;

    /// <summary>How many matrices ahead memory is asked for: pages lie apart, so that the processor does not find the next one by itself.</summary>
    private const int MatricesAhead = 2;

    /// <summary>Floats behind rows of scratch memory that vectors may read.</summary>
    private const int Slack = 64;

    private readonly PackedPageLayout _layout;
    private readonly MatrixProduct _keys;
    private readonly MatrixProduct _values;
    private readonly DenseProduct _dense;
    private readonly ScratchFloats _queries = new();
    private readonly ScratchFloats _logits = new();
    private readonly int _headDim;

    /// <param name="layout">Layout of the pages.</param>
    /// <param name="instructions">What integer products are written in.</param>
    /// <param name="exact">Whether queries and weights are to stay float32.</param>
    public HeadAttention(PackedPageLayout layout, CpuInstructions instructions, bool exact)
    {
        _layout = layout;
        _headDim = layout.Geometry.HeadDim;
        _keys = new MatrixProduct(layout.Keys, instructions, exact);
        _values = new MatrixProduct(layout.Values, instructions, exact);
        _dense = new DenseProduct(_headDim, layout.Keys.Format);
        _queries.OfLength(layout.Geometry.GroupSize * _headDim + Slack);
        _logits.OfLength(layout.Geometry.GroupSize * RunStride + Slack);
    }

    /// <summary>Attends to the view's pages from <paramref name="firstPage"/> up to, without, <paramref name="endPage"/>, and to sinks and tail where the range is the first.</summary>
    /// <param name="query">View, queries and output of the step.</param>
    /// <param name="tokens">Tokens of the step, the view's last; their queries follow each other.</param>
    /// <param name="head">The KV head.</param>
    /// <param name="firstPage">The range's first page.</param>
    /// <param name="endPage">The page after its last.</param>
    /// <param name="scale">What logits are multiplied by.</param>
    /// <param name="state">Gets what was gathered; rows are group members within tokens.</param>
    public void Attend(in DecodeQuery query, int tokens, int head, int firstPage, int endPage, float scale, SoftmaxRows state)
    {
        CacheGeometry geometry = _layout.Geometry;
        int group = geometry.GroupSize;
        int rows = tokens * group;
        float* queries = _queries.OfLength(rows * _headDim + Slack);
        new Span<float>(queries + rows * _headDim, Slack).Clear();
        for (int token = 0; token < tokens; token++)
        {
            Floats.Multiply(
                query.Queries + ((long)token * geometry.QueryHeadCount + head * group) * _headDim, scale, queries + token * group * _headDim, group * _headDim);
        }

        state.Reset();
        for (int page = firstPage; page < endPage; page += RunPages)
        {
            AttendRun(query.View, head, page, Math.Min(page + RunPages, endPage), endPage, queries, rows, state);
        }

        if (firstPage == 0)
        {
            int firstQuery = query.View.TokenCount - tokens;
            AttendDense(query.View.Sinks, 0, head, group, firstQuery, queries, rows, state);
            AttendDense(query.View.Tail, query.View.TailStart, head, group, firstQuery, queries, rows, state);
        }
    }

    private void AttendRun(in CacheView view, int head, int firstPage, int endPage, int endOfRange, float* queries, int rows, SoftmaxRows state)
    {
        float* logits = _logits.OfLength(rows * RunStride + Slack);
        int block = view.Block(head);
        float squareFactor = _layout.CorrectsKeyBias ? 1f / 24 : 0;
        IReadOnlyList<Page> pages = view.Pages;
        for (int index = firstPage; index < endPage; index++)
        {
            int next = index + MatricesAhead;
            MemoryAhead ahead = next < endPage ? Ahead(pages, next, endOfRange, block, false) : Ahead(pages, next - endPage + firstPage, endPage, block, true);
            Page page = pages[index];
            byte* matrix = page.Start + _layout.KeysOffset(page.Bytes, block);
            _keys.Multiply(matrix, queries, _headDim, rows, squareFactor, logits + (index - firstPage) * CacheGeometry.PageTokens, RunStride, onto: false, ahead);
        }

        state.Weigh(logits, (endPage - firstPage) * CacheGeometry.PageTokens, RunStride);
        for (int index = firstPage; index < endPage; index++)
        {
            MemoryAhead ahead = Ahead(pages, index + MatricesAhead, endOfRange, block, index + MatricesAhead < endPage);
            Page page = pages[index];
            for (int valueGroup = 0; valueGroup < _layout.ValueGroupCount; valueGroup++)
            {
                byte* matrix = page.Start + _layout.ValuesOffset(page.Bytes, block, valueGroup);
                float* weights = logits + (index - firstPage) * CacheGeometry.PageTokens;
                float* outputs = state.Outputs + valueGroup * _layout.Values.LineLength;
                _values.Multiply(matrix, weights, RunStride, rows, 0, outputs, _headDim, onto: true, valueGroup == 0 ? ahead : default);
            }
        }
    }

    private void AttendDense(in DensePart part, int position, int head, int group, int firstQuery, float* queries, int rows, SoftmaxRows state)
    {
        int count = part.Count;
        if (count == 0)
        {
            return;
        }

        int stride = count + Slack;
        float* logits = _logits.OfLength(rows * (CacheGeometry.PageTokens + Slack));
        var dense = new DenseRows(part, position, _layout.Keys.Format, _headDim);
        _dense.Logits(dense.Key(head, 0), count, queries, rows, logits, stride);
        for (int row = 0; row < rows; row++)
        {
            int visible = Math.Clamp(firstQuery + row / group + 1 - position, 0, count);
            new Span<float>(logits + row * stride + visible, count - visible).Fill(float.NegativeInfinity);
        }

        state.Weigh(logits, count, stride);
        _dense.AddValues(dense.Value(head, 0), count, logits, stride, rows, state.Outputs);
    }

    /// <summary>A page's keys or values of a block, if the range has the page.</summary>
    private MemoryAhead Ahead(IReadOnlyList<Page> pages, int index, int endOfRange, int block, bool values)
    {
        if (index >= endOfRange)
        {
            return default;
        }

        Page page = pages[index];
        Span<byte> slab = page.Bytes;
        int start = values ? _layout.ValuesOffset(slab, block, 0) : _layout.KeysOffset(slab, block);
        int end = !values ? _layout.ValuesOffset(slab, block, 0) : block + 1 < _layout.Geometry.BlockCount ? _layout.KeysOffset(slab, block + 1) : slab.Length;
        return new MemoryAhead(page.Start + start, end - start);
    }
}
