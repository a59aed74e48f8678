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
    private readonly float[] _line = new float[layout.Keys.LineLength];

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
        ReadOnlySpan<byte> bytes = page.Read();
        fixed (byte* slab = bytes)
        {
            for (int head = 0; head < heads; head++)
            {
                int block = layer * heads + head;
                ReadKeys(slab, bytes, block, elements.Slice(head * blockLength, blockLength));
                ReadValues(slab, bytes, block, elements.Slice((heads + head) * blockLength, blockLength));
                for (int place = 0; place < _keys.Counts.Quantized; place++)
                {
                    variances[head * headDim + _keys.Order[place]] = _keys.Scales[place] * _keys.Scales[place] / 12;
                }
            }
        }

        using Tensor placed = host.to(device);
        return (placed.select(0, 0), placed.select(0, 1), hostVariances.to(device, copy: true));
    }

    private void ReadKeys(byte* slab, ReadOnlySpan<byte> bytes, int block, Span<float> tokens)
    {
        _keys.Open(slab + layout.KeysOffset(bytes, block));
        Span<float> line = _line.AsSpan(0, layout.Keys.LineLength);
        for (int place = 0; place < layout.Keys.LineCount; place++)
        {
            _keys.ReadLine(place, line);
            int channel = _keys.Order[place];
            for (int token = 0; token < line.Length; token++)
            {
                tokens[token * layout.Keys.LineCount + channel] = line[token];
            }
        }
    }

    private void ReadValues(byte* slab, ReadOnlySpan<byte> bytes, int block, Span<float> tokens)
    {
        int length = layout.Values.LineLength;
        for (int group = 0; group < layout.ValueGroupCount; group++)
        {
            _values.Open(slab + layout.ValuesOffset(bytes, block, group));
            for (int place = 0; place < layout.Values.LineCount; place++)
            {
                _values.ReadLine(place, tokens.Slice(_values.Order[place] * layout.Geometry.HeadDim + group * length, length));
            }
        }
    }
}
