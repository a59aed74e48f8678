using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// A matrix as floats in scratch memory, cut into panels of <see cref="FloatKernels.PanelWidth"/> columns, [panel][line][column]: a panel is what the product reads
/// line after line, and small enough for the first-level cache while all rows of x go by. One thread at a time.
/// </summary>
internal sealed unsafe class MatrixPanels(FloatKernels kernels)
{
    private readonly ScratchFloats _panels = new();
    private readonly ScratchFloats _line = new();
    private readonly ScratchFloats _codes = new();
    private float* _start;
    private int _lines;
    private int _columns;

    /// <summary>Takes a packed matrix, scale and zero included, in the order of its lines.</summary>
    public void Fill(MatrixReader matrix)
    {
        Begin(matrix.Layout.LineCount, matrix.Layout.LineLength);
        FillPlaces(matrix, 0, _lines, matrix.Order);
    }

    /// <summary>Takes the lines from a place of the storage order up to, without, another, in storage order.</summary>
    public void Fill(MatrixReader matrix, int firstPlace, int endPlace)
    {
        Begin(endPlace - firstPlace, matrix.Layout.LineLength);
        FillPlaces(matrix, firstPlace, endPlace, default);
    }

    /// <summary>Takes [lines, columns] in <paramref name="format"/>.</summary>
    public void FillLines(byte* source, ElementFormat format, int lines, int columns)
    {
        Begin(lines, columns);
        for (int line = 0; line < lines; line++, source += columns * format.Bytes())
        {
            SetLine(line, ReadRow(source, format, columns));
        }
    }

    /// <summary>Takes the transpose of [columns, lines] in <paramref name="format"/>. The product writes whole panels: columns beyond have any content.</summary>
    public void FillColumns(byte* source, ElementFormat format, int columns, int lines)
    {
        int width = kernels.PanelWidth;
        Begin(lines, (columns + width - 1) / width * width);
        for (int column = 0; column < columns; column++, source += lines * format.Bytes())
        {
            float* row = ReadRow(source, format, lines);
            float* target = _start + (long)(column / width) * _lines * width + column % width;
            for (int line = 0; line < lines; line++)
            {
                target[line * width] = row[line];
            }
        }
    }

    /// <summary>y[r] += x[r] · B for each row r, B being what was taken last.</summary>
    /// <param name="x">[rows, lines].</param>
    /// <param name="xStride">Floats from a row of x to the next.</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="y">[rows, columns].</param>
    /// <param name="yStride">Floats from a row of y to the next.</param>
    public void AddProduct(float* x, int xStride, int rows, float* y, int yStride) => kernels.AddProduct(_start, _lines, _columns, x, xStride, rows, y, yStride);

    private void Begin(int lines, int columns)
    {
        int panels = (columns + kernels.PanelWidth - 1) / kernels.PanelWidth;
        _start = _panels.OfLength(panels * lines * kernels.PanelWidth);
        (_lines, _columns) = (lines, columns);
    }

    /// <summary>A line's place among the panels' lines is its <paramref name="order"/>, or where that is empty, its place counted from the first.</summary>
    private void FillPlaces(MatrixReader matrix, int firstPlace, int endPlace, ReadOnlySpan<ushort> order)
    {
        int width = kernels.PanelWidth;
        int panelStride = _lines * width;
        uint* codes = (uint*)_codes.OfLength((_columns + width - 1) / width * width);
        int quad = -1;
        for (int place = firstPlace; place < endPlace; place++)
        {
            int line = order.IsEmpty ? place - firstPlace : order[place];
            if (place >= matrix.Counts.Quantized)
            {
                int lineBytes = _columns * matrix.Layout.Format.Bytes();
                SetLine(line, ReadRow(matrix.Full + (place - matrix.Counts.Quantized) * lineBytes, matrix.Layout.Format, _columns));
                continue;
            }

            if (quad != place / BitPlane.QuadLines)
            {
                quad = place / BitPlane.QuadLines;
                matrix.ReadQuad(quad, new Span<uint>(codes, _columns));
            }

            kernels.DecodeLine(codes, place % BitPlane.QuadLines, _columns, matrix.Scales[place], matrix.Zeros[place], _start + line * width, panelStride);
        }
    }

    private float* ReadRow(byte* source, ElementFormat format, int length)
    {
        float* row = _line.OfLength(length);
        format.Read(new ReadOnlySpan<byte>(source, length * format.Bytes()), new Span<float>(row, length));
        return row;
    }

    private void SetLine(int line, float* elements)
    {
        int width = kernels.PanelWidth;
        float* target = _start + line * width;
        for (int column = 0; column < _columns; column += width, target += (long)_lines * width)
        {
            int count = Math.Min(width, _columns - column);
            new ReadOnlySpan<float>(elements + column, count).CopyTo(new Span<float>(target, count));
        }
    }
}
