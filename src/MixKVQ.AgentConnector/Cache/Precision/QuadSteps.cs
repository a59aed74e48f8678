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

    // A step up saves these parts of r² / 12, r the line's range, for each bit that it costs.
    private static readonly double[] KeySavings = Savings(_ => 1);
    private static readonly double[] ValueSavings = Savings(LeastSquaresGain);

    private readonly ulong[] _ranks;
    private readonly int[] _lines;
    private readonly uint[] _steps;
    private readonly uint[] _keys;
    private int _count;

    /// <summary>Values all steps of a page that save anything.</summary>
    public QuadSteps(PageStatistics page)
    {
        int lineCount = page.BlockCount * page.LinesPerBlock;
        int most = lineCount / BitPlane.QuadLines * StepsPerQuad;
        _ranks = ArrayPool<ulong>.Shared.Rent(Math.Max(page.Keys.LineCount, page.Values.LineCount));
        _lines = ArrayPool<int>.Shared.Rent(lineCount);
        _steps = ArrayPool<uint>.Shared.Rent(most);
        _keys = ArrayPool<uint>.Shared.Rent(most);
        for (int block = 0; block < page.BlockCount; block++)
        {
            int first = block * page.LinesPerBlock;
            double keyWeight = page.OutputWeights[block] * page.ValueVariances[block] * (Math.PI / 2) / page.HeadDim;
            AddMatrix(page, first, page.Keys.LineCount, keyWeight, page.QueryImportance.AsSpan(block * page.HeadDim, page.HeadDim), KeySavings);
            for (int group = 0; group < page.ValueGroupCount; group++)
            {
                int line = first + page.HeadDim + group * page.Values.LineCount;
                AddMatrix(page, line, page.Values.LineCount, page.OutputWeights[block] / page.HeadDim, [], ValueSavings);
            }
        }
    }

    /// <summary>The steps, the most valuable first, equal ones by line. Valid until this is disposed.</summary>
    public ReadOnlySpan<uint> ByFallingValue()
    {
        RadixSort.Sort(_keys.AsSpan(0, _count), _steps.AsSpan(0, _count));
        return _steps.AsSpan(0, _count);
    }

    /// <summary>The four lines that a step widens, all of one matrix.</summary>
    public ReadOnlySpan<int> Lines(uint step) => _lines.AsSpan((int)(step / StepsPerQuad) * BitPlane.QuadLines, BitPlane.QuadLines);

    /// <summary>The lines' width before a step.</summary>
    public static byte From(uint step) => Palette.Widths[(int)(step % StepsPerQuad)];

    /// <summary>The lines' width after a step.</summary>
    public static byte To(uint step) => Palette.Widths[(int)(step % StepsPerQuad) + 1];

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ArrayPool<ulong>.Shared.Return(_ranks);
        ArrayPool<int>.Shared.Return(_lines);
        ArrayPool<uint>.Shared.Return(_steps);
        ArrayPool<uint>.Shared.Return(_keys);
    }

    /// <summary>Adds a matrix's steps; a line's weight is <paramref name="weight"/>, times the square of its factor where there are any.</summary>
    private void AddMatrix(PageStatistics page, int firstLine, int lineCount, double weight, ReadOnlySpan<float> factors, double[] savings)
    {
        Span<ulong> ranks = _ranks.AsSpan(0, lineCount);
        Span<double> worths = stackalloc double[lineCount];
        for (int i = 0; i < lineCount; i++)
        {
            double error = (double)page.Maxima[firstLine + i] - page.Minima[firstLine + i];
            error *= factors.IsEmpty ? 1 : factors[i];
            worths[i] = weight * error * error;
            ranks[i] = ((ulong)FallingKey(worths[i]) << 32) | (uint)i;
        }

        ranks.Sort();
        for (int i = 0; i < lineCount; i += BitPlane.QuadLines)
        {
            double worth = 0;
            for (int place = i; place < i + BitPlane.QuadLines; place++)
            {
                int line = (int)(uint)ranks[place];
                _lines[firstLine + place] = firstLine + line;
                worth += worths[line];
            }

            for (int step = 0; step < StepsPerQuad && worth > 0; step++)
            {
                _steps[_count] = (uint)((firstLine + i) / BitPlane.QuadLines * StepsPerQuad + step);
                _keys[_count++] = FallingKey(worth * savings[step]);
            }
        }
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
