using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Adds rows of floats times a packed matrix, y += x · M, exactly but for float32's rounding: with x queries over channels, y are a page's logits; with x attention weights
/// over tokens, y is the output. The matrix is dequantized into scratch memory that stays in the caches, then multiplied by all rows. One thread at a time.
/// </summary>
internal sealed unsafe class FloatProduct(FloatKernels kernels)
{
    private readonly MatrixPanels _panels = new(kernels);
    private readonly ScratchFloats _gathered = new();

    /// <summary>y[r] += x[r] · M for each row r.</summary>
    /// <param name="matrix">Opened on M: lines × elements.</param>
    /// <param name="x">[rows, lines], in the order of the lines, not that of their storage.</param>
    /// <param name="xStride">Floats from a row of x to the next.</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="y">[rows, elements].</param>
    /// <param name="yStride">Floats from a row of y to the next.</param>
    public void Add(MatrixReader matrix, float* x, int xStride, int rows, float* y, int yStride)
    {
        _panels.Fill(matrix);
        _panels.AddProduct(x, xStride, rows, y, yStride);
    }

    /// <summary>Like <see cref="Add"/>, with only the lines from a place of the storage order up to, without, another.</summary>
    public void AddPlaces(MatrixReader matrix, int firstPlace, int endPlace, float* x, int xStride, int rows, float* y, int yStride)
    {
        int lines = endPlace - firstPlace;
        if (lines == 0)
        {
            return;
        }

        float* gathered = _gathered.OfLength(rows * lines);
        ReadOnlySpan<ushort> order = matrix.Order[firstPlace..endPlace];
        for (int row = 0; row < rows; row++)
        {
            for (int line = 0; line < lines; line++)
            {
                gathered[row * lines + line] = x[(long)row * xStride + order[line]];
            }
        }

        _panels.Fill(matrix, firstPlace, endPlace);
        _panels.AddProduct(gathered, lines, rows, y, yStride);
    }
}
