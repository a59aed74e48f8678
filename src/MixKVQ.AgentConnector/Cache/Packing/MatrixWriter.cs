using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Quantizes and packs a matrix as <see cref="MatrixLayout"/> draws it. Holds scratch memory: one thread at a time.</summary>
internal sealed class MatrixWriter(MatrixLayout layout, LineFit fit)
{
    private readonly ushort[] _order = new ushort[layout.LineCount];
    private readonly AffineLine[] _lines = new AffineLine[layout.LineCount];
    private readonly float[] _maxima = new float[layout.LineCount];
    private readonly byte[] _codes = new byte[layout.LineLength];

    /// <summary>Writes the matrix.</summary>
    /// <param name="elements">[LineCount, LineLength], finite.</param>
    /// <param name="widths">A width of the palette for each line.</param>
    /// <param name="zeroBytes">1 or 2, see <see cref="ZeroGrid"/>.</param>
    /// <param name="target">Where the matrix begins; its content is overwritten.</param>
    /// <returns>Where the parts were placed.</returns>
    public MatrixOffsets Write(ReadOnlySpan<float> elements, ReadOnlySpan<byte> widths, int zeroBytes, Span<byte> target)
    {
        WidthCounts counts = WidthCounts.Of(widths);
        MatrixOffsets offsets = layout.Offsets(counts, zeroBytes);
        MatrixLayout.FillOrder(widths, _order);
        WriteWidths(widths, target[offsets.Widths..offsets.Scales]);
        if (layout.Palette.HasQuantized)
        {
            WriteQuantized(elements, widths, counts, offsets, zeroBytes, target);
        }

        for (int place = counts.Quantized; place < layout.LineCount; place++)
        {
            int lineBytes = layout.LineLength * layout.Format.Bytes();
            layout.Format.Write(Line(elements, place), target.Slice(offsets.Full + (place - counts.Quantized) * lineBytes, lineBytes));
        }

        return offsets;
    }

    private void WriteWidths(ReadOnlySpan<byte> widths, Span<byte> target)
    {
        target.Clear();
        for (int line = 0; line < widths.Length && target.Length > 0; line++)
        {
            target[line / 4] |= (byte)(layout.Palette.Widths.IndexOf(widths[line]) << (2 * (line % 4)));
        }
    }

    private void WriteQuantized(ReadOnlySpan<float> elements, ReadOnlySpan<byte> widths, WidthCounts counts, MatrixOffsets offsets, int zeroBytes, Span<byte> target)
    {
        (ZeroGrid grid, float scaleUnit) = Fit(elements, widths, counts.Quantized, zeroBytes);
        MemoryMarshal.Write(target, scaleUnit);
        MemoryMarshal.Write(target[sizeof(float)..], grid.Origin);
        MemoryMarshal.Write(target[(2 * sizeof(float))..], grid.Unit);
        target[3 * sizeof(float)] = (byte)zeroBytes;
        for (int place = 0; place < counts.Quantized; place++)
        {
            int bits = widths[_order[place]];
            ReadOnlySpan<float> line = Line(elements, place);
            (int scaleCode, int zeroCode) = Encode(place, line, bits, grid, scaleUnit);
            WriteCode(target[(offsets.Scales + place * layout.ScaleBytes)..], scaleCode, layout.ScaleBytes);
            WriteCode(target[(offsets.Zeros + place * zeroBytes)..], zeroCode, zeroBytes);

            var stored = new AffineLine(ScaleCode.Decode(scaleCode, scaleUnit, layout.ScaleBytes), grid.Decode(zeroCode));
            stored.Quantize(line, bits, _codes);
            WritePlane(target, offsets.Low, place, 0, 2);
            if (bits >= 3)
            {
                WritePlane(target, offsets.Third, place, 2, 1);
            }

            if (bits >= 4)
            {
                WritePlane(target, offsets.Fourth, place, 3, 1);
            }

            if (bits >= 8)
            {
                WritePlane(target, offsets.High, place, 4, 4);
            }
        }
    }

    /// <summary>Chooses each line's scale and zero, and the units in which they are stored.</summary>
    private (ZeroGrid Grid, float ScaleUnit) Fit(ReadOnlySpan<float> elements, ReadOnlySpan<byte> widths, int quantized, int zeroBytes)
    {
        (float smallest, float largest) = (float.MaxValue, float.MinValue);
        for (int place = 0; place < quantized; place++)
        {
            ReadOnlySpan<float> line = Line(elements, place);
            (float minimum, float maximum) = Range(line);
            _maxima[place] = maximum;
            _lines[place] = fit == LineFit.Range
                ? new AffineLine(0, minimum)
                : AffineLine.LeastSquares(line, minimum, maximum, widths[_order[place]], _codes);
            smallest = Math.Min(smallest, _lines[place].Zero);
            largest = Math.Max(largest, _lines[place].Zero);
        }

        ZeroGrid grid = quantized == 0 ? default : ZeroGrid.Over(smallest, largest, zeroBytes);
        float unit = 0;
        for (int place = 0; place < quantized; place++)
        {
            if (fit == LineFit.Range)
            {
                float zero = grid.Decode(grid.AtMost(_lines[place].Zero));
                _lines[place] = new AffineLine((float)(((double)_maxima[place] - zero) / AffineLine.MaxCode(widths[_order[place]])), zero);
            }

            unit = Math.Max(unit, _lines[place].Scale);
        }

        return (grid, unit);
    }

    /// <summary>A line's scale and zero as stored: rounded outwards to keep covering the range, or to the nearest.</summary>
    private (int ScaleCode, int ZeroCode) Encode(int place, ReadOnlySpan<float> elements, int bits, ZeroGrid grid, float scaleUnit)
    {
        AffineLine line = _lines[place];
        if (fit == LineFit.Range)
        {
            return (ScaleCode.AtLeast(line.Scale, scaleUnit, layout.ScaleBytes), grid.AtMost(line.Zero));
        }

        int scaleCode = ScaleCode.Nearest(line.Scale, scaleUnit, layout.ScaleBytes);
        line = line with { Scale = ScaleCode.Decode(scaleCode, scaleUnit, layout.ScaleBytes) };
        line.Quantize(elements, bits, _codes);
        return (scaleCode, grid.Nearest(line.BestZero(elements, _codes)));
    }

    private void WritePlane(Span<byte> target, int planeOffset, int place, int shift, int bits)
    {
        int lineBytes = BitPlane.Bytes(layout.LineLength, bits);
        BitPlane.Pack(_codes, shift, bits, target.Slice(planeOffset + place * lineBytes, lineBytes));
    }

    private ReadOnlySpan<float> Line(ReadOnlySpan<float> elements, int place) =>
        elements.Slice(_order[place] * layout.LineLength, layout.LineLength);

    private static (float Minimum, float Maximum) Range(ReadOnlySpan<float> line)
    {
        (float minimum, float maximum) = (line[0], line[0]);
        foreach (float element in line)
        {
            minimum = Math.Min(minimum, element);
            maximum = Math.Max(maximum, element);
        }

        return (minimum, maximum);
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
