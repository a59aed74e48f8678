using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Quantizes and packs a matrix as <see cref="MatrixLayout"/> draws it. Holds scratch memory: one thread at a time.</summary>
internal sealed class MatrixWriter(MatrixLayout layout, LineFit fit)
{
    private readonly ushort[] _order = new ushort[layout.LineCount];
    private readonly AffineLine[] _lines = new AffineLine[layout.LineCount];
    private readonly uint[] _codes = new uint[layout.LineLength];

    /// <summary>Writes the matrix.</summary>
    /// <param name="matrix">The lines' elements and ranges.</param>
    /// <param name="widths">A width of the palette for each line.</param>
    /// <param name="zeroBytes">1 or 2, see <see cref="ZeroGrid"/>.</param>
    /// <param name="target">Where the matrix begins, as many zero bytes as it takes.</param>
    /// <returns>Where the parts were placed.</returns>
    public MatrixOffsets Write(UnpackedMatrix matrix, ReadOnlySpan<byte> widths, int zeroBytes, Span<byte> target)
    {
        WidthCounts counts = WidthCounts.Of(widths);
        MatrixOffsets offsets = layout.Offsets(counts, zeroBytes);
        StorageOrder.Fill(widths, _order);
        WriteWidths(widths, target[offsets.Widths..offsets.Scales]);
        if (layout.Palette.HasQuantized)
        {
            WriteUnitsAndLines(matrix, counts, offsets, zeroBytes, target);
        }

        for (int quad = 0; quad < counts.Quads; quad++)
        {
            WriteQuad(matrix, counts, offsets, quad, target);
        }

        int lineBytes = layout.LineLength * layout.Format.Bytes();
        for (int place = counts.Quantized; place < layout.LineCount; place++)
        {
            layout.Format.Write(matrix.Line(_order[place]), target.Slice(offsets.Full + (place - counts.Quantized) * lineBytes, lineBytes));
        }

        return offsets;
    }

    private void WriteWidths(ReadOnlySpan<byte> widths, Span<byte> target)
    {
        for (int line = 0; line < widths.Length && target.Length > 0; line++)
        {
            target[line / 4] |= (byte)(layout.Palette.Widths.IndexOf(widths[line]) << (2 * (line % 4)));
        }
    }

    /// <summary>Writes units, scales and zeros, and keeps the lines as a reader will see them.</summary>
    private void WriteUnitsAndLines(UnpackedMatrix matrix, WidthCounts counts, MatrixOffsets offsets, int zeroBytes, Span<byte> target)
    {
        (ZeroGrid grid, float scaleUnit) = Fit(matrix, counts, zeroBytes);
        MemoryMarshal.Write(target, scaleUnit);
        MemoryMarshal.Write(target[sizeof(float)..], grid.Origin);
        MemoryMarshal.Write(target[(2 * sizeof(float))..], grid.Unit);
        MemoryMarshal.Write(target[(3 * sizeof(float))..], zeroBytes);
        for (int place = 0; place < counts.Quantized; place++)
        {
            (int scaleCode, int zeroCode) = Encode(place, matrix, counts.WidthAt(place), grid, scaleUnit);
            WriteCode(target[(offsets.Scales + place * layout.ScaleBytes)..], scaleCode, layout.ScaleBytes);
            WriteCode(target[(offsets.Zeros + place * zeroBytes)..], zeroCode, zeroBytes);
            _lines[place] = new AffineLine(ScaleCode.Decode(scaleCode, scaleUnit, layout.ScaleBytes), grid.Decode(zeroCode));
        }
    }

    /// <summary>Chooses each line's scale and zero, and the units in which they are stored.</summary>
    private (ZeroGrid Grid, float ScaleUnit) Fit(UnpackedMatrix matrix, WidthCounts counts, int zeroBytes)
    {
        (float smallest, float largest) = (float.MaxValue, float.MinValue);
        for (int place = 0; place < counts.Quantized; place++)
        {
            int line = _order[place];
            _lines[place] = fit == LineFit.Range
                ? new AffineLine(0, matrix.Minima[line])
                : AffineLine.LeastSquares(matrix.Line(line), matrix.Minima[line], matrix.Maxima[line], counts.WidthAt(place));
            smallest = Math.Min(smallest, _lines[place].Zero);
            largest = Math.Max(largest, _lines[place].Zero);
        }

        ZeroGrid grid = counts.Quantized == 0 ? default : ZeroGrid.Over(smallest, largest, zeroBytes);
        float unit = 0;
        for (int place = 0; place < counts.Quantized; place++)
        {
            if (fit == LineFit.Range)
            {
                float zero = grid.Decode(grid.AtMost(_lines[place].Zero));
                _lines[place] = new AffineLine((float)(((double)matrix.Maxima[_order[place]] - zero) / AffineLine.MaxCode(counts.WidthAt(place))), zero);
            }

            unit = Math.Max(unit, _lines[place].Scale);
        }

        return (grid, unit);
    }

    /// <summary>A line's scale and zero as stored: rounded outwards to keep covering the range, or to the nearest.</summary>
    private (int ScaleCode, int ZeroCode) Encode(int place, UnpackedMatrix matrix, int bits, ZeroGrid grid, float scaleUnit)
    {
        AffineLine line = _lines[place];
        if (fit == LineFit.Range)
        {
            return (ScaleCode.AtLeast(line.Scale, scaleUnit, layout.ScaleBytes), grid.AtMost(line.Zero));
        }

        int scaleCode = ScaleCode.Nearest(line.Scale, scaleUnit, layout.ScaleBytes);
        line = line with { Scale = ScaleCode.Decode(scaleCode, scaleUnit, layout.ScaleBytes) };
        int index = _order[place];
        return (scaleCode, grid.Nearest(line.WithBestZero(matrix.Line(index), matrix.Minima[index], bits).Zero));
    }

    private void WriteQuad(UnpackedMatrix matrix, WidthCounts counts, MatrixOffsets offsets, int quad, Span<byte> target)
    {
        Array.Clear(_codes);
        for (int i = 0; i < BitPlane.QuadLines && quad * BitPlane.QuadLines + i < counts.Quantized; i++)
        {
            int place = quad * BitPlane.QuadLines + i;
            _lines[place].AddCodes(matrix.Line(_order[place]), counts.WidthAt(place), 8 * i, _codes);
        }

        WritePlane(target, offsets.Low, quad, 0, 2);
        if (quad < counts.ThirdQuads)
        {
            WritePlane(target, offsets.Third, quad, 2, 1);
        }

        if (quad < counts.FourthQuads)
        {
            WritePlane(target, offsets.Fourth, quad, 3, 1);
        }

        if (quad < counts.EightQuads)
        {
            WritePlane(target, offsets.High, quad, 4, 4);
        }
    }

    private void WritePlane(Span<byte> target, int planeOffset, int quad, int shift, int bits)
    {
        int quadBytes = BitPlane.QuadBytes(layout.LineLength, bits);
        BitPlane.Pack(_codes, shift, bits, MemoryMarshal.Cast<byte, uint>(target.Slice(planeOffset + quad * quadBytes, quadBytes)));
    }

    private static void WriteCode(Span<byte> target, int code, int bytes)
    {
        if (bytes == 1)
        {
            target[0] = (byte)code;
        }
        else
        {
            MemoryMarshal.Write(target, (ushort)code);
        }
    }
}
