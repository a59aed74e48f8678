using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Decode attention that reads packed pages in place, one pass over the history with a running softmax, in portable vectors.
/// Steps of more than <see cref="MostTokens"/> tokens, and other devices, go to <see cref="ReferenceAttention"/>, whose matrix products suit them better.
/// One thread at a time: it holds scratch memory.
/// </summary>
internal sealed unsafe class PackedAttention : IAttentionKernel
{
    /// <summary>The longest step that is computed here.</summary>
    public const int MostTokens = 4;

    private readonly ReferenceAttention _reference = new();
    private readonly LineProduct _lines = new();
    private readonly DenseProduct _dense = new();
    private readonly SoftmaxRows _softmax = new();
    private readonly ScratchFloats _queries = new();
    private readonly ScratchFloats _logits = new();
    private PackedPageLayout? _layout;
    private MatrixReader? _keys;
    private MatrixReader? _values;

    /// <inheritdoc/>
    public Tensor Attend(Tensor queries, CacheView view, float scale)
    {
        CacheGeometry geometry = view.Layout.Geometry;
        int tokens = (int)queries.shape[0];
        if (tokens > MostTokens || queries.device_type != DeviceType.CPU || geometry.Device.type != DeviceType.CPU)
        {
            return _reference.Attend(queries, view, scale);
        }

        if (view.TokenCount < tokens)
        {
            throw new ArgumentException("The view holds fewer tokens than there are queries; append the step's tokens before attending.", nameof(view));
        }

        if (_layout != view.Layout)
        {
            (_layout, _keys, _values) = (view.Layout, new MatrixReader(view.Layout.Keys), new MatrixReader(view.Layout.Values));
        }

        using Tensor floats = queries.to(ScalarType.Float32);
        using Tensor source = floats.contiguous();
        Tensor output = empty_like(source, requires_grad: false);
        float* from = (float*)TensorMemory.DataPointer(source);
        float* to = (float*)TensorMemory.DataPointer(output);
        for (int head = 0; head < geometry.KeyValueHeadCount; head++)
        {
            AttendHead(view, head, tokens, scale, from, to);
        }

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

    /// <summary>Attention of one KV head's queries; rows are group members within tokens.</summary>
    private void AttendHead(CacheView view, int head, int tokens, float scale, float* from, float* to)
    {
        CacheGeometry geometry = view.Layout.Geometry;
        (int group, int headDim) = (geometry.GroupSize, geometry.HeadDim);
        int rows = tokens * group;
        float* queries = _queries.OfLength(rows * headDim);
        float* logits = _logits.OfLength(rows * CacheGeometry.PageTokens);
        for (int token = 0; token < tokens; token++)
        {
            int at = (token * geometry.QueryHeadCount + head * group) * headDim;
            new ReadOnlySpan<float>(from + at, group * headDim).CopyTo(new Span<float>(queries + token * group * headDim, group * headDim));
        }

        Floats.Multiply(queries, scale, rows * headDim);
        _softmax.Reset(rows, headDim);
        int firstQuery = view.TokenCount - tokens;
        AttendDense(view.Sinks, 0, head, group, firstQuery, queries, rows, logits, view.Layout.Keys.Format, headDim);
        foreach (Page page in view.Pages)
        {
            AttendPage(page, view, head, queries, rows, logits);
        }

        AttendDense(view.Tail, view.TailStart, head, group, firstQuery, queries, rows, logits, view.Layout.Keys.Format, headDim);
        _softmax.Normalize();
        for (int token = 0; token < tokens; token++)
        {
            int at = (token * geometry.QueryHeadCount + head * group) * headDim;
            new ReadOnlySpan<float>(_softmax.Outputs + token * group * headDim, group * headDim).CopyTo(new Span<float>(to + at, group * headDim));
        }
    }

    private void AttendPage(Page page, CacheView view, int head, float* queries, int rows, float* logits)
    {
        ReadOnlySpan<byte> slab = page.Bytes;
        int block = view.Block(head);
        _keys!.Open(page.Start + view.Layout.KeysOffset(slab, block));
        for (int row = 0; row < rows; row++)
        {
            float bias = view.Layout.CorrectsKeyBias ? KeyBias(queries + row * view.Layout.Geometry.HeadDim) : 0;
            new Span<float>(logits + row * CacheGeometry.PageTokens, CacheGeometry.PageTokens).Fill(-bias);
        }

        _lines.Add(_keys, queries, rows, logits, CacheGeometry.PageTokens);
        _softmax.Weigh(logits, CacheGeometry.PageTokens);
        for (int group = 0; group < view.Layout.ValueGroupCount; group++)
        {
            _values!.Open(page.Start + view.Layout.ValuesOffset(slab, block, group));
            _lines.Add(_values, logits, rows, _softmax.Outputs + group * view.Layout.Values.LineLength, view.Layout.Geometry.HeadDim);
        }
    }

    /// <summary>Half the variance that the opened page's keys add to this query's logits, see <see cref="PackedPageLayout"/>.</summary>
    private float KeyBias(float* query)
    {
        float sum = 0;
        ReadOnlySpan<ushort> order = _keys!.Order;
        ReadOnlySpan<float> scales = _keys.Scales;
        for (int place = 0; place < scales.Length; place++)
        {
            float error = query[order[place]] * scales[place];
            sum += error * error;
        }

        return sum / 24;
    }

    private void AttendDense(
        DensePart part, int partStart, int head, int group, int firstQuery, float* queries, int rows, float* logits, ElementFormat format, int headDim)
    {
        int count = part.Count;
        if (count == 0)
        {
            return;
        }

        long headBytes = part.Keys.shape[1] * headDim * format.Bytes();
        _dense.Logits((byte*)TensorMemory.DataPointer(part.Keys) + head * headBytes, format, count, headDim, queries, rows, logits);
        for (int row = 0; row < rows; row++)
        {
            int visible = Math.Clamp(firstQuery + row / group + 1 - partStart, 0, count);
            new Span<float>(logits + row * count + visible, count - visible).Fill(float.NegativeInfinity);
        }

        _softmax.Weigh(logits, count);
        _dense.AddValues((byte*)TensorMemory.DataPointer(part.Values) + head * headBytes, format, count, headDim, logits, rows, _softmax.Outputs);
    }
}
