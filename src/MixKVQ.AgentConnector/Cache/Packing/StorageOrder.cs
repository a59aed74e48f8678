using System.Buffers.Binary;
using System.Numerics;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>The order in which a matrix stores its lines: widest first (8, 4, 3, 2, full), by index within a width. It follows from the widths.</summary>
internal static class StorageOrder
{
    private const int LinesPerWord = 32;
    private const ulong LowerBits = 0x5555_5555_5555_5555;

    /// <summary>Fills <paramref name="order"/> with the line that stands at each place.</summary>
    /// <param name="widths">A width for each line.</param>
    /// <param name="order">As long as <paramref name="widths"/>.</param>
    public static void Fill(ReadOnlySpan<byte> widths, Span<ushort> order)
    {
        int place = 0;
        foreach (int width in (ReadOnlySpan<int>)[8, 4, 3, 2, WidthPalette.Full])
        {
            for (int line = 0; line < widths.Length; line++)
            {
                if (widths[line] == width)
                {
                    order[place++] = (ushort)line;
                }
            }
        }
    }

    /// <summary>Fills <paramref name="order"/> from stored widths, and counts them.</summary>
    /// <param name="indexes">Two bits a line, the index of its width in <paramref name="palette"/>; empty where there is only one.</param>
    /// <param name="palette">The widths there may be.</param>
    /// <param name="order">One for each line.</param>
    public static WidthCounts Read(ReadOnlySpan<byte> indexes, WidthPalette palette, Span<ushort> order)
    {
        (int place, int eight, int fourth, int third) = (0, 0, 0, 0);
        for (int i = palette.Widths.Length - 1; i >= 0; i--)
        {
            int width = palette.Widths[i];
            if (width == WidthPalette.Full)
            {
                continue;
            }

            place = Add(indexes, i, order, place);
            eight = width == 8 ? place : eight;
            fourth = width >= 4 ? place : fourth;
            third = width >= 3 ? place : third;
        }

        int end = palette.Widths[^1] == WidthPalette.Full ? Add(indexes, palette.Widths.Length - 1, order, place) : place;
        return new WidthCounts(place, third, fourth, eight, end - place);
    }

    /// <summary>Adds the lines of one width from a place on; returns the place after them.</summary>
    private static int Add(ReadOnlySpan<byte> indexes, int index, Span<ushort> order, int place)
    {
        if (indexes.IsEmpty)
        {
            for (; place < order.Length; place++)
            {
                order[place] = (ushort)place;
            }

            return place;
        }

        for (int first = 0; first < order.Length; first += LinesPerWord)
        {
            // The lower bit of a line's two is left where both are those of the index.
            ulong differing = Word(indexes[(first / 4)..]) ^ (LowerBits * (uint)index);
            ulong equal = ~(differing | (differing >> 1)) & LowerBits;
            if (order.Length - first < LinesPerWord)
            {
                equal &= (1UL << (2 * (order.Length - first))) - 1;
            }

            for (; equal != 0; equal &= equal - 1)
            {
                order[place++] = (ushort)(first + BitOperations.TrailingZeroCount(equal) / 2);
            }
        }

        return place;
    }

    private static ulong Word(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= sizeof(ulong))
        {
            return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        }

        ulong word = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            word |= (ulong)bytes[i] << (8 * i);
        }

        return word;
    }
}
