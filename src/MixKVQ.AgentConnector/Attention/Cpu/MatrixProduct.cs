using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Vectors times packed matrices, y = x · M, in one pass over the packed bytes: with x queries over channels, y are a page's logits; with x attention weights over
/// tokens, y is the output. Quantized lines go through <see cref="QuadProduct"/>, with x folded into integers; lines that are not quantized, and all of them where
/// exactness is asked or no line has fewer than 8 bits, through <see cref="FloatProduct"/>. One thread at a time: it holds scratch memory.
/// </summary>
internal sealed unsafe class MatrixProduct
{
    private readonly MatrixLayout _layout;
    private readonly bool _exact;
    private readonly QuadProduct _quads;
    private readonly MatrixFolding _folding;
    private readonly FoldedRows _folded;
    private readonly MatrixReader _reader;
    private readonly FloatProduct _floats = new(FloatKernels.Best);

    /// <param name="layout">Layout of the matrices.</param>
    /// <param name="instructions">What the integer product is written in.</param>
    /// <param name="exact">Whether x is to stay float32.</param>
    public MatrixProduct(MatrixLayout layout, CpuInstructions instructions, bool exact)
    {
        _layout = layout;
        _exact = exact || layout.Palette.Base > 4;
        _quads = QuadProduct.For(instructions);
        _folding = MatrixFolding.For(instructions, layout);
        _folded = new FoldedRows(layout.LineCount);
        _reader = new MatrixReader(layout);
    }

    /// <summary>Computes y = x · M, or adds it. May touch up to 15 floats past a row of y, which it leaves as they are.</summary>
    /// <param name="matrix">M's first byte: lines × elements.</param>
    /// <param name="x">[rows, lines]; finite floats follow each row up to a multiple of 64.</param>
    /// <param name="xStride">Floats from row to row of x.</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="squareFactor">Times Σ (x_i · scale_i)² over the quantized lines is taken off each element of a row of y.</param>
    /// <param name="y">[rows, elements].</param>
    /// <param name="yStride">Floats from row to row of y.</param>
    /// <param name="onto">Whether to add to what y holds, or to overwrite it.</param>
    /// <param name="ahead">What to ask for meanwhile.</param>
    public void Multiply(byte* matrix, float* x, int xStride, int rows, float squareFactor, float* y, int yStride, bool onto, MemoryAhead ahead)
    {
        if (_exact)
        {
            ahead.FetchAll();
            MultiplyFloats(matrix, x, xStride, rows, squareFactor, y, yStride, onto);
            return;
        }

        _folding.Open(matrix);
        var planes = new QuadPlanes(matrix, _folding.Offsets, _folding.Counts, _layout.LineLength, Begin(ahead));
        for (int row = 0; row < rows; row += FoldedRows.MostRows)
        {
            int count = Math.Min(rows - row, FoldedRows.MostRows);
            _folding.Fold(x + row * xStride, xStride, count, squareFactor, _folded);
            _quads.Multiply(planes, _folded, count, y + row * yStride, yStride, onto);
        }

        if (_folding.Counts.Full > 0)
        {
            _reader.Open(matrix);
            _floats.AddPlaces(_reader, _reader.Counts.Quantized, _layout.LineCount, x, xStride, rows, y, yStride);
        }
    }

    /// <summary>Asks for what the product leaves to ask for; returns the rest.</summary>
    private MemoryAhead Begin(MemoryAhead ahead)
    {
        int step = _quads.BytesPerLineAhead;
        int steps = step == 0 ? 0 : (_layout.LineLength + step - 1) / step * _folding.Counts.Quads;
        return ahead.FetchAllBut(steps);
    }

    private void MultiplyFloats(byte* matrix, float* x, int xStride, int rows, float squareFactor, float* y, int yStride, bool onto)
    {
        _reader.Open(matrix);
        for (int row = 0; row < rows && !onto; row++)
        {
            new Span<float>(y + row * yStride, _layout.LineLength).Clear();
        }

        _floats.Add(_reader, x, xStride, rows, y, yStride);
        SubtractSquares(_reader.Counts.Quantized, x, xStride, rows, squareFactor, y, yStride);
    }

    /// <summary>Takes the squares of the opened matrix's first lines in storage order off y.</summary>
    private void SubtractSquares(int places, float* x, int xStride, int rows, float squareFactor, float* y, int yStride)
    {
        if (squareFactor == 0 || places == 0)
        {
            return;
        }

        ReadOnlySpan<ushort> order = _reader.Order;
        ReadOnlySpan<float> scales = _reader.Scales;
        for (int row = 0; row < rows; row++)
        {
            float squares = 0;
            for (int place = 0; place < places; place++)
            {
                float product = x[row * xStride + order[place]] * scales[place];
                squares += product * product;
            }

            Floats.AddConstant(-squareFactor * squares, y + row * yStride, _layout.LineLength);
        }
    }
}
