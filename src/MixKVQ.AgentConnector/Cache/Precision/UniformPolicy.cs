using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>
/// One width for all: KIVI (arXiv 2402.02750), keys quantized per channel and values per token with 16-bit scales and zeros, or, at 16 bits, no quantization.
/// KIVI's groups along tokens are the page's 128 tokens here.
/// </summary>
internal sealed class UniformPolicy(byte bits) : ICachePolicy
{
    public WidthPalette KeyWidths { get; } = new(bits);

    public WidthPalette ValueWidths => KeyWidths;

    public int ScaleBytes => 2;

    public LineFit ValueFit => LineFit.Range;

    public double? TargetBits => null;

    public void Plan(PageStatistics page, long spareBytes, Span<byte> widths) => widths.Fill(bits);
}
