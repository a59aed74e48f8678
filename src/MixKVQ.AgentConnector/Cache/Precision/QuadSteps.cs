using System.Buffers;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>
/// The steps up (2 → 3 → 4 → 8 bits) of a page's lines, valued as <see cref="BudgetPolicy"/> says by the squared error that they save a byte. Since planes grow by
/// four lines, the lines of each matrix go up in fours, those together that save alike: a line's place among its matrix's is the same for every step.
/// </summary>
internal sealed class QuadSteps : IDisposable
{
    /// <summary>The widths between which there are steps.</summary>
    public static readonly WidthPalette Palette = new(2, 3, 4, 8);

    private const int StepsPerQuad = 3;

    private static readonly double[] KeySavingsOfSteps = Savings(_ => 1);
    private static readonly double[] ValueSavingsOfSteps = Savings(LeastSquaresGain);

    /// <summary>The lines of each matrix, the worthiest first, where the matrix's lines are: each quad is four of them.</summary>
    private readonly uint[] _lines;
    private readonly uint[] _steps;
    private readonly uint[] _keys;
    private int _count;

    /// <summary>Values all steps of a page that save anything.</summary>
    public QuadSteps(PageStatistics page)
    {
        int lineCount = page.Minima.Length;
        _lines = ArrayPool<uint>.Shared.Rent(lineCount);
        _steps = ArrayPool<uint>.Shared.Rent(lineCount);
        _keys = ArrayPool<uint>.Shared.Rent(lineCount);
        double[] worths = ArrayPool<double>.Shared.Rent(lineCount);
        Weigh(page, worths);
        OrderLines(page, worths);
        for (int line = 0; line < lineCount; line += BitPlane.QuadLines)
        {
            double worth = 0;
            for (int i = line; i < line + BitPlane.QuadLines; i++)
            {
                worth += worths[_lines[i]];
            }

            ReadOnlySpan<double> savings = line % page.LinesPerBlock < page.HeadDim ? KeySavings : ValueSavings;
            for (int step = 0; step < StepsPerQuad && worth > 0; step++)
            {
                _steps[_count] = (uint)(line / BitPlane.QuadLines * StepsPerQuad + step);
                _keys[_count++] = FallingKey(worth * savings[step]);
            }
        }

        ArrayPool<double>.Shared.Return(worths);
    }

    /// <summary>The parts of r² / 12, r a key channel's range, that each step up saves for each bit that it costs.</summary>
    public static ReadOnlySpan<double> KeySavings => KeySavingsOfSteps;

    /// <summary>The same of value groups.</summary>
    public static ReadOnlySpan<double> ValueSavings => ValueSavingsOfSteps;

    /// <summary>The steps, the most valuable first, equal ones by line. Valid until this is disposed.</summary>
    public ReadOnlySpan<uint> ByFallingValue()
    {
        RadixSort.Sort(_keys.AsSpan(0, _count), _steps.AsSpan(0, _count));
        return _steps.AsSpan(0, _count);
    }

    /// <summary>The four lines that a step widens, all of one matrix.</summary>
    public ReadOnlySpan<uint> Lines(uint step) => _lines.AsSpan((int)(step / StepsPerQuad) * BitPlane.QuadLines, BitPlane.QuadLines);

    /// <summary>The lines' width before a step.</summary>
    public static byte From(uint step) => Palette.Widths[(int)(step % StepsPerQuad)];

    /// <summary>The lines' width after a step.</summary>
    public static byte To(uint step) => Palette.Widths[(int)(step % StepsPerQuad) + 1];

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ArrayPool<uint>.Shared.Return(_lines);
        ArrayPool<uint>.Shared.Return(_steps);
        ArrayPool<uint>.Shared.Return(_keys);
    }

    /// <summary>Fills in the weight of each line's squared error times its range squared: the factor that all its steps share.</summary>
    private static void Weigh(PageStatistics page, double[] worths)
    {
        for (int block = 0, line = 0; block < page.BlockCount; block++)
        {
            double keyWeight = page.OutputWeights[block] * page.ValueVariances[block] * (Math.PI / 2) / page.HeadDim;
            double valueWeight = page.OutputWeights[block] / page.HeadDim;
            for (int i = 0; i < page.LinesPerBlock; i++, line++)
            {
                double range = (double)page.Maxima[line] - page.Minima[line];
                double query = i < page.HeadDim ? page.QueryImportance[block * page.HeadDim + i] : 1;
                worths[line] = (i < page.HeadDim ? keyWeight : valueWeight) * query * query * range * range;
            }
        }
    }

    /// <summary>Sorts all lines at once and deals them out to their matrices.</summary>
    private void OrderLines(PageStatistics page, double[] worths)
    {
        int lineCount = page.Minima.Length;
        Span<uint> sorted = _steps.AsSpan(0, lineCount);
        for (int line = 0; line < lineCount; line++)
        {
            sorted[line] = (uint)line;
            _keys[line] = FallingKey(worths[line]);
        }

        RadixSort.Sort(_keys.AsSpan(0, lineCount), sorted);
        int[] places = ArrayPool<int>.Shared.Rent(lineCount);
        Array.Clear(places);
        foreach (uint line in sorted)
        {
            int first = FirstLineOfMatrix(page, (int)line);
            _lines[first + places[first]++] = line;
        }

        ArrayPool<int>.Shared.Return(places);
    }

    private static int FirstLineOfMatrix(PageStatistics page, int line)
    {
        int lineOfBlock = line % page.LinesPerBlock;
        return line - (lineOfBlock < page.HeadDim ? lineOfBlock : (lineOfBlock - page.HeadDim) % page.Values.LineCount);
    }

    /// <summary>Rises where a positive number falls: the upper bits of a double order as it does.</summary>
    private static uint FallingKey(double value) => ~(uint)(BitConverter.DoubleToUInt64Bits(value) >> 31);

    private static double[] Savings(Func<int, double> gain) =>
        [.. Palette.Widths.Zip(Palette.Widths.Skip(1), (from, to) => (ErrorFactor(from) * gain(from) - ErrorFactor(to) * gain(to)) / (to - from))];

    private static double ErrorFactor(int bits) => 1.0 / (AffineLine.MaxCode(bits) * AffineLine.MaxCode(bits));

    /// <summary>
    /// A value group's squared error with least squares over that with its range: clipping the ends of the range pays off at 2 bits most.
    /// Measured on normally distributed groups of 64.
    /// </summary>
    private static double LeastSquaresGain(int bits) => bits switch { 2 => 0.50, 3 => 0.75, 4 => 0.84, _ => 1 };
}
