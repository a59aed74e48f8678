using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention;

/// <summary>Dequantizes one layer's part of one page at a time. One thread at a time: it holds scratch memory.</summary>
internal sealed unsafe class PageDequantizer(PackedPageLayout layout)
{
    private readonly MatrixReader _keys = new(layout.Keys);
    private readonly MatrixReader _values = new(layout.Values);
    private readonly float[] _line = new float[Math.Max(layout.Keys.LineLength, layout.Values.LineLength)];

    /// <summary>
    /// A layer's part of a page, float32, on <paramref name="device"/>; new tensors, the caller's: keys and values, [kvHeads, 128, headDim] each,
    /// and the variance of the keys' quantization error, [kvHeads, headDim, 1]: step² / 12, 0 for channels that are not quantized.
    /// </summary>
    public (Tensor Keys, Tensor Values, Tensor KeyVariances) Dequantize(Page page, int layer, Device device)
    {
        (int heads, int headDim) = (layout.Geometry.KeyValueHeadCount, layout.Geometry.HeadDim);
        using Tensor host = empty(2, heads, CacheGeometry.PageTokens, headDim, dtype: ScalarType.Float32, device: CPU);
        Span<float> elements = MemoryMarshal.Cast<byte, float>(host.bytes);
        using Tensor hostVariances = zeros([heads, headDim, 1], dtype: ScalarType.Float32, device: CPU);
        Span<float> variances = MemoryMarshal.Cast<byte, float>(hostVariances.bytes);
        int blockLength = CacheGeometry.PageTokens * headDim;
        for (int head = 0; head < heads; head++)
        {
            Open(page, layer * heads + head);
            ReadKeys(elements.Slice(head * blockLength, blockLength), headDim);
            ReadValues(elements.Slice((heads + head) * blockLength, blockLength));
            for (int place = 0; place < _keys.Counts.Quantized; place++)
            {
                variances[head * headDim + _keys.Order[place]] = _keys.Scales[place] * _keys.Scales[place] / 12;
            }
        }

        using Tensor placed = host.to(device);
        return (placed.select(0, 0), placed.select(0, 1), hostVariances.to(device, copy: true));
    }

    private void Open(Page page, int block)
    {
        ReadOnlySpan<byte> slab = page.Bytes;
        _keys.Open(page.Start + PackedPageLayout.KeysOffset(slab, block));
        _values.Open(page.Start + PackedPageLayout.ValuesOffset(slab, block));
    }

    private void ReadKeys(Span<float> tokens, int headDim)
    {
        Span<float> line = _line.AsSpan(0, layout.Keys.LineLength);
        for (int place = 0; place < headDim; place++)
        {
            _keys.ReadLine(place, line);
            int channel = _keys.Order[place];
            for (int token = 0; token < line.Length; token++)
            {
                tokens[token * headDim + channel] = line[token];
            }
        }
    }

    private void ReadValues(Span<float> tokens)
    {
        int length = layout.Values.LineLength;
        for (int place = 0; place < layout.Values.LineCount; place++)
        {
            _values.ReadLine(place, tokens.Slice(_values.Order[place] * length, length));
        }
    }
}
