using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>
/// One budget of true bits for the whole page: every line begins at 2 bits, and the spare bytes go where a bit lowers the expected squared error of the attention
/// output most, over key channels and value groups of all layers and heads.
/// <para>
/// A code of width b has the error variance r² / (12 · (2^b − 1)²) over a range r. Let w = ‖W_o block‖² / E‖x‖² carry an output error to the residual stream x
/// after the layer, relative to what stands there. With p the attention weights, and Σp² taken alike for all tokens (weighting it measurably hurt):
/// <code>
///   value group   Δo = Σ_t p_t · ε_t                  error  w · Var(ε_t) a token
///   key channel   Δo ≈ Σ_t p_t · (Q_d·ε_td/√D) · v_t  error  w · Var(V) · E[Q_d²]/D · Var(ε_d) a token, for all the page's tokens
/// </code>
/// E[Q²] is taken as (mean |Q|)² · π/2, exact for a normal distribution.
/// </para>
/// Each step up (2 → 3 → 4 → 8 bits) of four lines, which share a quad of a plane, is valued by error saved a byte, see <see cref="QuadSteps"/>. The steps of a
/// line lose value in this order, so taking all by falling value while they fit is the optimum of the convex problem, up to the last four lines.
/// </summary>
internal sealed class BudgetPolicy(double targetBits) : ICachePolicy
{
    public WidthPalette KeyWidths => QuadSteps.Palette;

    public WidthPalette ValueWidths => QuadSteps.Palette;

    public int ScaleBytes => 1;

    public LineFit ValueFit => LineFit.LeastSquares;

    public double? TargetBits => targetBits;

    public void Plan(PageStatistics page, long spareBytes, Span<byte> widths)
    {
        widths.Fill(QuadSteps.Palette.Base);
        int matricesPerBlock = 1 + page.ValueGroupCount;
        var counts = new WidthCounts[page.BlockCount * matricesPerBlock];
        for (int matrix = 0; matrix < counts.Length; matrix++)
        {
            counts[matrix] = (matrix % matricesPerBlock == 0 ? page.Keys : page.Values).UniformCounts(QuadSteps.Palette.Base);
        }

        using var steps = new QuadSteps(page);
        foreach (uint step in steps.ByFallingValue())
        {
            ReadOnlySpan<uint> lines = steps.Lines(step);
            if (widths[(int)lines[0]] != QuadSteps.From(step))
            {
                continue;
            }

            (int block, int lineOfBlock) = Math.DivRem((int)lines[0], page.LinesPerBlock);
            bool isKey = lineOfBlock < page.HeadDim;
            int matrix = block * matricesPerBlock + (isKey ? 0 : 1 + (lineOfBlock - page.HeadDim) / page.Values.LineCount);
            byte to = QuadSteps.To(step);
            WidthCounts widened = counts[matrix].Widened(lines.Length, to);
            int bytes = (isKey ? page.Keys : page.Values).GrowthBytes(counts[matrix], widened);
            if (bytes <= spareBytes)
            {
                counts[matrix] = widened;
                spareBytes -= bytes;
                foreach (uint line in lines)
                {
                    widths[(int)line] = to;
                }
            }
        }
    }
}
