namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Up to four vectors x over a matrix's lines, folded with the lines' scales into integers: what a <see cref="QuadProduct"/> multiplies codes by.</summary>
/// <param name="lineCount">Lines of the matrix.</param>
internal sealed unsafe class FoldedRows(int lineCount)
{
    /// <summary>Rows there is room for.</summary>
    public const int MostRows = 4;

    /// <summary>Lines that rows are padded to a multiple of.</summary>
    private const int Padding = 64;

    private readonly AlignedMemory _codes = new(2 * MostRows * Padded(lineCount));
    private readonly AlignedMemory _numbers = new(4 * MostRows * sizeof(float));

    /// <summary>
    /// [<see cref="MostRows"/>, <see cref="Stride"/>]: an integer for each line's lowest four bits, in storage order, 0 for lines that are not to be multiplied;
    /// from half a stride on, integers for the upper four bits of the lines of 8 bits.
    /// </summary>
    public sbyte* Codes => (sbyte*)_codes.Start;

    /// <summary>Bytes from row to row.</summary>
    public int Stride { get; } = 2 * Padded(lineCount);

    /// <summary>What 1 in a row's codes stands for; after those of all rows, what 1 in its codes for upper bits does.</summary>
    public float* Units => _numbers.Floats;

    /// <summary>What a row adds to each element beside its codes' products; after those of all rows, zeros.</summary>
    public float* Constants => _numbers.Floats + 2 * MostRows;

    /// <summary>Lines, with those that rows are padded with.</summary>
    public static int Padded(int lineCount) => (lineCount + Padding - 1) & -Padding;
}
