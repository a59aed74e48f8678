using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

public sealed class StorageOrderTests
{
    [Fact]
    public void WhatIsReadFromStoredWidths_IsWhatTheWidthsGive()
    {
        foreach (WidthPalette palette in (WidthPalette[])[new(2), new(16), new(2, 3, 4, 8), new(2, 4, 16), new(3, 8)])
        {
            Gen.Int[1, 64].SelectMany(quads => Gen.Int[0, palette.Widths.Length - 1].Array[4 * quads]).Sample(indexes =>
            {
                byte[] widths = [.. indexes.Select(index => palette.Widths[index])];
                byte[] stored = palette.IndexBits == 0 ? [] : [.. indexes.Chunk(4).Select(four => (byte)(four[0] | (four[1] << 2) | (four[2] << 4) | (four[3] << 6)))];
                var expected = new ushort[widths.Length];
                StorageOrder.Fill(widths, expected);
                var order = new ushort[widths.Length];
                Assert.Equal(WidthCounts.Of(widths), StorageOrder.Read(stored, palette, order));
                Assert.Equal(expected, order);
                Assert.Equal(expected.Order(), Enumerable.Range(0, widths.Length).Select(line => (ushort)line));
            });
        }
    }
}
