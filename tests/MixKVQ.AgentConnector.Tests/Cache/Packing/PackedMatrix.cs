using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

/// <summary>A matrix written and opened again, for tests.</summary>
internal sealed unsafe class PackedMatrix
{
    private readonly byte[] _bytes;

    public PackedMatrix(MatrixLayout layout, LineFit fit, float[] elements, byte[] widths, int zeroBytes)
    {
        MatrixOffsets expected = layout.Offsets(WidthCounts.Of(widths), zeroBytes);
        _bytes = GC.AllocateArray<byte>(expected.End + Guard.Length, pinned: true);
        Guard.CopyTo(_bytes, expected.End);
        float[][] lines = [.. elements.Chunk(layout.LineLength)];
        var input = new UnpackedMatrix(elements, layout.LineLength, layout.LineLength, [.. lines.Select(line => line.Min())], [.. lines.Select(line => line.Max())]);
        Offsets = new MatrixWriter(layout, fit).Write(input, widths, zeroBytes, _bytes.AsSpan(0, expected.End));
        Assert.Equal(Guard, _bytes[expected.End..]);
        Reader = new MatrixReader(layout);
        Reader.Open((byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0));
        Assert.Equal(expected, Reader.Offsets);
    }

    private static byte[] Guard => [1, 2, 3, 4, 5, 6, 7, 8];

    public MatrixOffsets Offsets { get; }

    public MatrixReader Reader { get; }

    /// <summary>The matrix.</summary>
    public Span<byte> Bytes => _bytes.AsSpan(0, Offsets.End);

    /// <summary>All elements, dequantized, in the lines' own order.</summary>
    public float[] Elements()
    {
        int length = Reader.Layout.LineLength;
        var elements = new float[Reader.Layout.LineCount * length];
        for (int place = 0; place < Reader.Layout.LineCount; place++)
        {
            Reader.ReadLine(place, elements.AsSpan(Reader.Order[place] * length, length));
        }

        return elements;
    }

    /// <summary>The stored step of each line, 0 where it is not quantized.</summary>
    public float[] Steps()
    {
        var steps = new float[Reader.Layout.LineCount];
        for (int place = 0; place < Reader.Counts.Quantized; place++)
        {
            steps[Reader.Order[place]] = Reader.Scales[place];
        }

        return steps;
    }
}
