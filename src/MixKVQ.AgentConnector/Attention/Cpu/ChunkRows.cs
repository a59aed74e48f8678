using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Attention of some rows of a chunk, page after page, with a running softmax. A page's keys and values are dequantized into scratch memory for all these rows at once.
/// One thread at a time.
/// </summary>
internal sealed unsafe class ChunkRows(FloatKernels kernels)
{
    private const int LogitStride = CacheGeometry.PageTokens;

    private readonly MatrixPanels _panels = new(kernels);
    private readonly RunningSoftmax _softmax = new(kernels);
    private readonly ScratchFloats _queries = new();
    private readonly ScratchFloats _logits = new();
    private readonly ScratchFloats _biasWeights = new();
    private PackedPageLayout? _layout;
    private MatrixReader? _keys;
    private MatrixReader? _values;

    /// <summary>Computes the output of rows of a KV head.</summary>
    public void Attend(in ChunkStep step, int head, int firstRow, int rows)
    {
        PackedPageLayout layout = step.View.Layout;
        if (_layout != layout)
        {
            (_layout, _keys, _values) = (layout, new MatrixReader(layout.Keys), new MatrixReader(layout.Values));
        }

        int headDim = layout.Geometry.HeadDim;
        float* queries = _queries.OfLength(rows * headDim);
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(step.Query(head, firstRow + row), headDim).CopyTo(new Span<float>(queries + row * headDim, headDim));
        }

        kernels.Scale(queries, step.Scale, rows * headDim);
        _softmax.Reset(rows, headDim);
        AttendDense(step, step.Sinks, head, firstRow, queries, rows);
        foreach (Page page in step.View.Pages)
        {
            AttendPage(page, step.View.Block(head), queries, rows);
        }

        AttendDense(step, step.Tail, head, firstRow, queries, rows);
        _softmax.Normalize();
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(_softmax.Outputs + row * headDim, headDim).CopyTo(new Span<float>(step.Output(head, firstRow + row), headDim));
        }
    }

    private void AttendPage(Page page, int block, float* queries, int rows)
    {
        PackedPageLayout layout = _layout!;
        ReadOnlySpan<byte> slab = page.Bytes;
        int headDim = layout.Geometry.HeadDim;
        _keys!.Open(page.Start + layout.KeysOffset(slab, block));
        float* logits = _logits.OfLength(rows * LogitStride);
        SetBias(queries, rows, headDim, logits);
        _panels.Fill(_keys);
        _panels.AddProduct(queries, headDim, rows, logits, LogitStride);
        _softmax.Weigh(logits, LogitStride, CacheGeometry.PageTokens);
        for (int group = 0; group < layout.ValueGroupCount; group++)
        {
            _values!.Open(page.Start + layout.ValuesOffset(slab, block, group));
            _panels.Fill(_values);
            _panels.AddProduct(logits, LogitStride, rows, _softmax.Outputs + group * layout.Values.LineLength, headDim);
        }
    }

    /// <summary>Sets logits to what comes off them: half the variance that the opened page's keys add to them, see <see cref="PackedPageLayout"/>, or 0.</summary>
    private void SetBias(float* queries, int rows, int headDim, float* logits)
    {
        if (!_layout!.CorrectsKeyBias)
        {
            new Span<float>(logits, rows * LogitStride).Clear();
            return;
        }

        float* weights = _biasWeights.OfLength(headDim);
        new Span<float>(weights, headDim).Clear();
        for (int place = 0; place < _keys!.Scales.Length; place++)
        {
            weights[_keys.Order[place]] = _keys.Scales[place] * _keys.Scales[place] / 24;
        }

        for (int row = 0; row < rows; row++)
        {
            new Span<float>(logits + row * LogitStride, LogitStride).Fill(-kernels.WeightedSquares(queries + row * headDim, weights, headDim));
        }
    }

    private void AttendDense(in ChunkStep step, DenseRows part, int head, int firstRow, float* queries, int rows)
    {
        int headDim = _layout!.Geometry.HeadDim;
        ElementFormat format = _layout.Keys.Format;
        int visible = Math.Min(part.Count, step.VisibleTo(firstRow + rows - 1) - part.Position);
        for (int first = 0; first < visible; first += LogitStride)
        {
            int count = Math.Min(visible - first, LogitStride);
            int columns = (count + kernels.PanelWidth - 1) / kernels.PanelWidth * kernels.PanelWidth;
            float* logits = _logits.OfLength(rows * LogitStride);
            new Span<float>(logits, rows * LogitStride).Clear();
            _panels.FillColumns(part.Key(head, first), format, count, headDim);
            _panels.AddProduct(queries, headDim, rows, logits, LogitStride);
            FillHidden(step, part.Position + first, firstRow, rows, count, columns, logits, float.NegativeInfinity);
            _softmax.Weigh(logits, LogitStride, columns);

            // The smallest weights are not 0, and what a token outputs is to depend on no later one.
            FillHidden(step, part.Position + first, firstRow, rows, count, columns, logits, 0);
            _panels.FillLines(part.Value(head, first), format, count, headDim);
            _panels.AddProduct(logits, LogitStride, rows, _softmax.Outputs, headDim);
        }
    }

    /// <summary>Sets each row's columns of tokens that it does not see, and those that are of no token.</summary>
    private static void FillHidden(in ChunkStep step, int position, int firstRow, int rows, int count, int columns, float* logits, float value)
    {
        for (int row = 0; row < rows; row++)
        {
            int seen = Math.Clamp(step.VisibleTo(firstRow + row) - position, 0, count);
            new Span<float>(logits + row * LogitStride + seen, columns - seen).Fill(value);
        }
    }
}
