using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>
/// Measures and packs blocks of a page, one at a time: it holds scratch memory that fits in a core's cache. The loops over elements that it calls are optimized
/// at once, by attribute: pages are sealed so seldom that a conversation's first ones would go through code that is not.
/// </summary>
internal sealed class BlockSealer(PackedPageLayout layout, LineFit valueFit)
{
    private readonly int _headDim = layout.Geometry.HeadDim;
    private readonly MatrixWriter _keyWriter = new(layout.Keys, LineFit.Range);
    private readonly MatrixWriter _valueWriter = new(layout.Values, valueFit);
    private readonly float[] _tokens = new float[CacheGeometry.PageTokens * layout.Geometry.HeadDim];
    private readonly float[] _channels = new float[CacheGeometry.PageTokens * layout.Geometry.HeadDim];

    /// <summary>Fills in the ranges of a block's lines and its values' variance.</summary>
    /// <param name="keys">[128, headDim], model's type.</param>
    /// <param name="values">Like <paramref name="keys"/>.</param>
    /// <param name="block">The block's index.</param>
    /// <param name="page">To fill in.</param>
    /// <returns>Whether all elements are finite; where not, nothing is filled in.</returns>
    public bool TryMeasure(ReadOnlySpan<byte> keys, ReadOnlySpan<byte> values, int block, PageStatistics page)
    {
        ElementFormat format = layout.Keys.Format;
        if (!format.AreFinite(keys) || !format.AreFinite(values))
        {
            return false;
        }

        Span<float> minima = page.LinesOf(block, page.Minima), maxima = page.LinesOf(block, page.Maxima);
        format.Read(keys, _tokens);
        BlockMeasurement.ChannelRanges(_tokens, minima[.._headDim], maxima[.._headDim]);
        format.Read(values, _tokens);
        BlockMeasurement.GroupRanges(_tokens, _headDim, layout.Values.LineLength, minima[_headDim..], maxima[_headDim..]);
        page.ValueVariances[block] = BlockMeasurement.Variance(_tokens, _headDim);
        page.KeyZeroBytes[block] = layout.Keys.ScaleBytes == 1 ? ZeroGrid.BytesFor(minima[.._headDim], maxima[.._headDim]) : 2;
        return true;
    }

    /// <summary>Writes a block's matrices.</summary>
    /// <param name="keys">[128, headDim], model's type, finite.</param>
    /// <param name="values">Like <paramref name="keys"/>.</param>
    /// <param name="block">The block's index.</param>
    /// <param name="page">As measured.</param>
    /// <param name="widths">A width for each of the page's lines.</param>
    /// <param name="slab">The page, with the header that tells where the matrices go; zero there.</param>
    public void Pack(ReadOnlySpan<byte> keys, ReadOnlySpan<byte> values, int block, PageStatistics page, Span<byte> widths, Span<byte> slab)
    {
        ElementFormat format = layout.Keys.Format;
        ReadOnlySpan<float> minima = page.LinesOf(block, page.Minima), maxima = page.LinesOf(block, page.Maxima);
        widths = page.LinesOf(block, widths);
        format.Read(keys, _tokens);
        Transposition.Transpose(_tokens, _headDim, _channels);
        var channels = new UnpackedMatrix(_channels, CacheGeometry.PageTokens, CacheGeometry.PageTokens, minima[.._headDim], maxima[.._headDim]);
        _keyWriter.Write(channels, widths[.._headDim], page.KeyZeroBytes[block], slab[layout.KeysOffset(slab, block)..]);
        format.Read(values, _tokens);
        for (int group = 0; group < layout.ValueGroupCount; group++)
        {
            Range lines = (_headDim + group * CacheGeometry.PageTokens)..(_headDim + (group + 1) * CacheGeometry.PageTokens);
            var tokens = new UnpackedMatrix(_tokens.AsSpan(group * layout.Values.LineLength), _headDim, layout.Values.LineLength, minima[lines], maxima[lines]);
            _valueWriter.Write(tokens, widths[lines], layout.Values.ScaleBytes, slab[layout.ValuesOffset(slab, block, group)..]);
        }
    }
}
