using System.Buffers;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>The steps up (2 → 3 → 4 → 8 bits) of a page's lines, valued as <see cref="BudgetPolicy"/> says by the squared error that they save a byte.</summary>
internal sealed class WidthSteps : IDisposable
{
    /// <summary>The widths between which there are steps.</summary>
    public static readonly WidthPalette Palette = new(2, 3, 4, 8);

    private const int StepsPerLine = 3;

    // A step up saves these parts of r² / 12, r the line's range, for each bit that it costs.
    private static readonly double[] KeySavings = Savings(_ => 1);
    private static readonly double[] ValueSavings = Savings(LeastSquaresGain);

    private readonly uint[] _steps;
    private readonly uint[] _keys;
    private int _count;

    /// <summary>Values all steps of a page that save anything.</summary>
    public WidthSteps(PageStatistics page)
    {
        int most = page.BlockCount * page.LinesPerBlock * StepsPerLine;
        _steps = ArrayPool<uint>.Shared.Rent(most);
        _keys = ArrayPool<uint>.Shared.Rent(most);
        for (int block = 0; block < page.BlockCount; block++)
        {
            int line = block * page.LinesPerBlock;
            double keyWeight = page.OutputWeights[block] * page.ValueVariances[block] * (Math.PI / 2) / page.HeadDim;
            for (int channel = 0; channel < page.HeadDim; channel++, line++)
            {
                double query = page.QueryImportance[block * page.HeadDim + channel];
                Add(line, keyWeight * query * query, (double)page.Maxima[line] - page.Minima[line], KeySavings);
            }

            double valueWeight = page.OutputWeights[block] / page.HeadDim;
            for (int end = (block + 1) * page.LinesPerBlock; line < end; line++)
            {
                Add(line, valueWeight, (double)page.Maxima[line] - page.Minima[line], ValueSavings);
            }
        }
    }

    /// <summary>The line that a step widens, and its widths before and after.</summary>
    public static (int Line, byte From, byte To) Meaning(uint step)
    {
        (uint line, uint index) = Math.DivRem(step, StepsPerLine);
        return ((int)line, Palette.Widths[(int)index], Palette.Widths[(int)index + 1]);
    }

    /// <summary>The steps, the most valuable first, equal ones by line. Valid until this is disposed.</summary>
    public ReadOnlySpan<uint> ByFallingValue()
    {
        RadixSort.Sort(_keys.AsSpan(0, _count), _steps.AsSpan(0, _count));
        return _steps.AsSpan(0, _count);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ArrayPool<uint>.Shared.Return(_steps);
        ArrayPool<uint>.Shared.Return(_keys);
    }

    private void Add(int line, double weight, double range, double[] savings)
    {
        double worth = weight * range * range;
        for (int step = 0; step < StepsPerLine && worth > 0; step++)
        {
            _steps[_count] = (uint)(line * StepsPerLine + step);

            // The upper bits of a positive double, which order as it does; inverted, so that the greatest come first.
            _keys[_count++] = ~(uint)(BitConverter.DoubleToUInt64Bits(worth * savings[step]) >> 31);
        }
    }

    private static double[] Savings(Func<int, double> gain) =>
        [.. Palette.Widths.Zip(Palette.Widths.Skip(1), (from, to) => (ErrorFactor(from) * gain(from) - ErrorFactor(to) * gain(to)) / (to - from))];

    private static double ErrorFactor(int bits) => 1.0 / (AffineLine.MaxCode(bits) * AffineLine.MaxCode(bits));

    /// <summary>
    /// A value group's squared error with least squares over that with its range: clipping the ends of the range pays off at 2 bits most.
    /// Measured on normally distributed groups of 64.
    /// </summary>
    private static double LeastSquaresGain(int bits) => bits switch { 2 => 0.50, 3 => 0.75, 4 => 0.84, _ => 1 };
}
