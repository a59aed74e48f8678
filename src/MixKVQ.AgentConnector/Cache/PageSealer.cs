using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// Turns a full tail into a page: measures it, has the policy plan it, packs it into a slab. Nothing else changes, so a failure leaves the cache as it was.
/// One thread at a time: it holds scratch memory.
/// </summary>
internal sealed class PageSealer
{
    private readonly PackedPageLayout _layout;
    private readonly ICachePolicy _policy;
    private readonly PagePool _pool;
    private readonly MatrixWriter _keyWriter;
    private readonly MatrixWriter _valueWriter;
    private readonly float[] _keyLines;
    private readonly Lock _lock = new();

    public PageSealer(PackedPageLayout layout, ICachePolicy policy, PagePool pool)
    {
        _layout = layout;
        _policy = policy;
        _pool = pool;
        _keyWriter = new MatrixWriter(layout.Keys, LineFit.Range);
        _valueWriter = new MatrixWriter(layout.Values, policy.ValueFit);
        _keyLines = new float[layout.Geometry.BlockCount * BlockLength];
        FixedPageBytes = FixedBytes(layout, policy);
    }

    /// <summary>Bytes of every page under a policy with a target; null where a page takes what its plan needs.</summary>
    public int? FixedPageBytes { get; }

    private CacheGeometry Geometry => _layout.Geometry;

    private int BlockLength => Geometry.HeadDim * CacheGeometry.PageTokens;

    /// <summary>Seals 128 tokens.</summary>
    /// <param name="tail">[layers, 2, kvHeads, 128, headDim], model dtype, any device; borrowed.</param>
    /// <param name="statistics">Of the same tokens.</param>
    /// <param name="firstToken">Position of the first of them, for messages.</param>
    /// <returns>A page with one reference, the caller's.</returns>
    /// <exception cref="ArithmeticException">A key or value is NaN or infinite; the message names layer, head, channel and position.</exception>
    public Page Seal(Tensor tail, QueryStatistics statistics, int firstToken)
    {
        using Tensor host = ToHost(tail);
        ReadOnlySpan<float> elements = Elements(host);
        FiniteElements.Require(elements, Geometry, firstToken);
        lock (_lock)
        {
            BlockStatistics[] blocks = Measure(elements, statistics);
            int[] keyZeroBytes = [.. blocks.Select(block => KeyZeroBytes(block))];
            int baseBytes = _layout.HeaderBytes + keyZeroBytes.Sum(bytes => _layout.BaseBlockBytes(bytes, _policy.ScaleBytes));
            long spareBytes = FixedPageBytes - baseBytes ?? long.MaxValue;
            IReadOnlyList<BlockPlan> plans = _policy.Plan(
                new PageStatistics(blocks, Geometry.HeadDim, _layout.Keys.LineLength, _layout.Values.LineLength), spareBytes);
            return Pack(elements, plans, keyZeroBytes);
        }
    }

    /// <summary>Checks the sinks, which no page takes in.</summary>
    /// <param name="sinks">[layers, 2, kvHeads, 32, headDim], model dtype, any device; borrowed.</param>
    /// <exception cref="ArithmeticException">A key or value is NaN or infinite.</exception>
    public void RequireFinite(Tensor sinks)
    {
        using Tensor host = ToHost(sinks);
        FiniteElements.Require(Elements(host), Geometry, 0);
    }

    private BlockStatistics[] Measure(ReadOnlySpan<float> elements, QueryStatistics statistics)
    {
        var blocks = new BlockStatistics[Geometry.BlockCount];
        for (int block = 0; block < blocks.Length; block++)
        {
            (int layer, int head) = (block / Geometry.KeyValueHeadCount, block % Geometry.KeyValueHeadCount);
            ReadOnlySpan<float> values = Values(elements, block);
            Span<float> keys = KeyLines(block);
            Transpose(Keys(elements, block), keys, Geometry.HeadDim);
            (float[] keyMinima, float[] keyMaxima) = BlockMeasurement.Ranges(keys, _layout.Keys.LineLength);
            (float[] valueMinima, float[] valueMaxima) = BlockMeasurement.Ranges(values, _layout.Values.LineLength);
            blocks[block] = new BlockStatistics(
                keyMinima, keyMaxima, statistics.Importance(layer, head), valueMinima, valueMaxima,
                BlockMeasurement.Variance(values, Geometry.HeadDim), Geometry.OutputWeight(block) / Math.Max(statistics.Energy(layer), double.Epsilon));
        }

        return blocks;
    }

    private Page Pack(ReadOnlySpan<float> elements, IReadOnlyList<BlockPlan> plans, int[] keyZeroBytes)
    {
        int bytes = _layout.HeaderBytes;
        for (int block = 0; block < plans.Count; block++)
        {
            bytes += _layout.Keys.Offsets(WidthCounts.Of(plans[block].KeyWidths.AsSpan()), keyZeroBytes[block]).End
                + _layout.Values.Offsets(WidthCounts.Of(plans[block].ValueWidths.AsSpan()), _policy.ScaleBytes).End;
        }

        if (bytes > FixedPageBytes)
        {
            throw new InvalidOperationException($"A plan takes {bytes} bytes, but a page has {FixedPageBytes}.");
        }

        Page page = _pool.Rent(FixedPageBytes ?? bytes);
        Span<byte> slab = page.Bytes;
        int at = _layout.HeaderBytes;
        (int codes, int affine, int widths) = (0, 0, 0);
        for (int block = 0; block < plans.Count; block++)
        {
            MatrixOffsets keys = _keyWriter.Write(KeyLines(block), plans[block].KeyWidths.AsSpan(), keyZeroBytes[block], slab[at..]);
            MatrixOffsets values = _valueWriter.Write(Values(elements, block), plans[block].ValueWidths.AsSpan(), _policy.ScaleBytes, slab[(at + keys.End)..]);
            PackedPageLayout.WriteOffsets(slab, block, at, at + keys.End);
            at += keys.End + values.End;
            codes += keys.CodeBytes + values.CodeBytes;
            affine += keys.AffineBytes + values.AffineBytes;
            widths += keys.WidthBytes + values.WidthBytes;
        }

        page.Contents = new PageContents(codes, affine, _layout.HeaderBytes + widths, page.SlabBytes - at);
        return page;
    }

    private int KeyZeroBytes(BlockStatistics block) =>
        _policy.ScaleBytes == 1 ? ZeroGrid.BytesFor(block.KeyMinima, block.KeyMaxima) : 2;

    private Span<float> KeyLines(int block) => _keyLines.AsSpan(block * BlockLength, BlockLength);

    private ReadOnlySpan<float> Keys(ReadOnlySpan<float> elements, int block)
    {
        (int layer, int head) = (block / Geometry.KeyValueHeadCount, block % Geometry.KeyValueHeadCount);
        return elements.Slice((2 * layer * Geometry.KeyValueHeadCount + head) * BlockLength, BlockLength);
    }

    private ReadOnlySpan<float> Values(ReadOnlySpan<float> elements, int block)
    {
        (int layer, int head) = (block / Geometry.KeyValueHeadCount, block % Geometry.KeyValueHeadCount);
        return elements.Slice(((2 * layer + 1) * Geometry.KeyValueHeadCount + head) * BlockLength, BlockLength);
    }

    private static Tensor ToHost(Tensor rows)
    {
        using Tensor floats = rows.to(ScalarType.Float32);
        return floats.cpu();
    }

    private static ReadOnlySpan<float> Elements(Tensor host) => MemoryMarshal.Cast<byte, float>(host.bytes);

    private static void Transpose(ReadOnlySpan<float> tokens, Span<float> channels, int headDim)
    {
        int tokenCount = tokens.Length / headDim;
        for (int token = 0; token < tokenCount; token++)
        {
            ReadOnlySpan<float> row = tokens.Slice(token * headDim, headDim);
            for (int channel = 0; channel < row.Length; channel++)
            {
                channels[channel * tokenCount + token] = row[channel];
            }
        }
    }

    private static int? FixedBytes(PackedPageLayout layout, ICachePolicy policy)
    {
        if (policy.TargetBits is not double target)
        {
            return null;
        }

        double bitsPerByte = 8.0 / (layout.Geometry.ElementsPerToken * CacheGeometry.PageTokens);
        int bytes = (int)(target / bitsPerByte) / PagePool.Granularity * PagePool.Granularity;
        int least = layout.HeaderBytes + layout.Geometry.BlockCount * layout.BaseBlockBytes(2, policy.ScaleBytes);
        return bytes >= least ? bytes : throw new ArgumentException(
            $"A target of {target} bits an element cannot be met with {layout.Geometry.KeyValueHeadCount} KV heads of {layout.Geometry.HeadDim}: " +
            $"codes of {layout.Keys.Palette.Base} bits with their scales take up to {Math.Ceiling((least + PagePool.Granularity - 1) * bitsPerByte * 100) / 100:0.00}. Set TargetBits to that or more.");
    }
}
