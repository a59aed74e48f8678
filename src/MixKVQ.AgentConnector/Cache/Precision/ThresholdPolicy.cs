using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>
/// MixKVQ as published (arXiv 2512.19206): a key channel gets its width from its salience.
/// <code>
///   importance   I_d = mean over query tokens and the group's query heads of |Q_d|, post-RoPE
///   sensitivity  S_d = (max k_d − min k_d) / (2^2 − 1)
///   salience     A_d = I_d · S_d
///   A_d > τ_16 → 16 bit      τ_4 &lt; A_d ≤ τ_16 → 4 bit      else 2 bit
/// </code>
/// The logit's error is Σ_d Q_d · ε_d: a channel deserves bits where its error is large and the queries look at it. Values have 2 bits.
/// Where the paper quantizes groups of 32 tokens, a group here is the page's 128; scales and zeros have 16 bits, as there.
/// </summary>
internal sealed class ThresholdPolicy(double fullPrecisionThreshold, double fourBitThreshold) : ICachePolicy
{
    public WidthPalette KeyWidths { get; } = new(2, 4, WidthPalette.Full);

    public WidthPalette ValueWidths { get; } = new(2);

    public int ScaleBytes => 2;

    public LineFit ValueFit => LineFit.Range;

    public double? TargetBits => null;

    public void Plan(PageStatistics page, long spareBytes, Span<byte> widths)
    {
        widths.Fill(ValueWidths.Base);
        for (int block = 0; block < page.BlockCount; block++)
        {
            int line = block * page.LinesPerBlock;
            for (int channel = 0; channel < page.HeadDim; channel++, line++)
            {
                double sensitivity = ((double)page.Maxima[line] - page.Minima[line]) / AffineLine.MaxCode(KeyWidths.Base);
                double salience = page.QueryImportance[block * page.HeadDim + channel] * sensitivity;
                widths[line] = (byte)(salience > fullPrecisionThreshold ? WidthPalette.Full : salience > fourBitThreshold ? 4 : KeyWidths.Base);
            }
        }
    }
}
