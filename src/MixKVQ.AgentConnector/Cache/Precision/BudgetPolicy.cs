using System.Collections.Immutable;
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
/// Each step up (2 → 3 → 4 → 8 bits) is valued by error saved a byte. The steps of a line lose value in this order, so taking all by falling value while they fit
/// is the optimum of the convex problem, up to the last line.
/// </summary>
internal sealed class BudgetPolicy(double targetBits) : ICachePolicy
{
    /// <summary>
    /// A value group's squared error with least squares over that with its range: clipping the ends of the range pays off at 2 bits most.
    /// Measured on normally distributed groups of 64.
    /// </summary>
    private static double LeastSquaresGain(int bits) => bits switch { 2 => 0.50, 3 => 0.75, 4 => 0.84, _ => 1 };

    public WidthPalette KeyWidths { get; } = new(2, 3, 4, 8);

    public WidthPalette ValueWidths => KeyWidths;

    public int ScaleBytes => 1;

    public LineFit ValueFit => LineFit.LeastSquares;

    public double? TargetBits => targetBits;

    public IReadOnlyList<BlockPlan> Plan(PageStatistics page, long spareBytes)
    {
        byte[][] keyWidths = [.. page.Blocks.Select(block => NewWidths(block.KeyMinima.Length))];
        byte[][] valueWidths = [.. page.Blocks.Select(block => NewWidths(block.ValueMinima.Length))];
        foreach (Step step in StepsByFallingValue(page))
        {
            (byte[] widths, int lineLength) = step.IsKey ? (keyWidths[step.Block], page.KeyLineLength) : (valueWidths[step.Block], page.ValueLineLength);
            int bytes = lineLength * (step.To - step.From) / 8;
            if (widths[step.Line] == step.From && bytes <= spareBytes)
            {
                widths[step.Line] = step.To;
                spareBytes -= bytes;
            }
        }

        return [.. keyWidths.Zip(valueWidths, (keys, values) => new BlockPlan(ImmutableArray.Create(keys), ImmutableArray.Create(values)))];
    }

    private Step[] StepsByFallingValue(PageStatistics page)
    {
        List<Step> steps = [];
        List<double> values = [];
        for (int block = 0; block < page.Blocks.Count; block++)
        {
            BlockStatistics statistics = page.Blocks[block];
            for (int channel = 0; channel < statistics.KeyMinima.Length; channel++)
            {
                double query = statistics.QueryImportance[channel];
                double weight = page.KeyLineLength * statistics.OutputWeight * statistics.ValueVariance * (Math.PI / 2) * query * query / page.HeadDim;
                AddSteps(steps, values, block, true, channel, weight, (double)statistics.KeyMaxima[channel] - statistics.KeyMinima[channel], page.KeyLineLength);
            }

            double valueWeight = statistics.OutputWeight * page.ValueLineLength / page.HeadDim;
            for (int line = 0; line < statistics.ValueMinima.Length; line++)
            {
                AddSteps(steps, values, block, false, line, valueWeight, (double)statistics.ValueMaxima[line] - statistics.ValueMinima[line], page.ValueLineLength);
            }
        }

        Step[] sorted = [.. steps];
        double[] keys = [.. values.Select(value => -value)];
        Array.Sort(keys, sorted);
        return sorted;
    }

    private void AddSteps(List<Step> steps, List<double> values, int block, bool isKey, int line, double weight, double range, int lineLength)
    {
        for (int i = 1; i < KeyWidths.Widths.Length && weight > 0 && range > 0; i++)
        {
            (byte from, byte to) = (KeyWidths.Widths[i - 1], KeyWidths.Widths[i]);
            double saved = weight * range * range / 12 * (ErrorFactor(isKey, from) - ErrorFactor(isKey, to));
            steps.Add(new Step(block, line, isKey, from, to));
            values.Add(saved / (lineLength * (to - from)));
        }
    }

    private static double ErrorFactor(bool isKey, int bits)
    {
        double codes = AffineLine.MaxCode(bits);
        return (isKey ? 1 : LeastSquaresGain(bits)) / (codes * codes);
    }

    private byte[] NewWidths(int count)
    {
        var widths = new byte[count];
        widths.AsSpan().Fill(KeyWidths.Base);
        return widths;
    }

    private readonly record struct Step(int Block, int Line, bool IsKey, byte From, byte To);
}
