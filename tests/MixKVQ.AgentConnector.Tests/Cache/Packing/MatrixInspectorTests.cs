using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

public sealed class MatrixInspectorTests
{
    private static readonly WidthPalette Palette = new(2, 4, 8, 16);

    private static readonly Gen<PackedMatrix> Matrices =
        from quads in Gen.Int[1, 5]
        from length in Gen.Int[1, 5]
        from scaleBytes in Gen.Int[1, 2]
        from widths in Gen.Int[0, 3].Select(index => Palette.Widths[index]).Array[4 * quads]
        from elements in Gen.Float[-1, 1].Array[4 * quads * 8 * length]
        select new PackedMatrix(new MatrixLayout(4 * quads, 8 * length, Palette, scaleBytes, ElementFormat.BFloat16), LineFit.LeastSquares, elements, widths, scaleBytes);

    [Fact]
    public void AWrittenMatrix_HasNoFaultAndIsNoLongerThanTheLayoutSays() => Matrices.Sample(matrix =>
    {
        Assert.Null(Inspect(matrix, out MatrixOffsets offsets));
        Assert.Equal(matrix.Offsets, offsets);
        Assert.Equal(offsets.End, offsets.Contents.TotalBytes);
        Assert.Equal((0, 0), (offsets.Low % 16, offsets.End % 16));
    });

    [Fact]
    public void WhereNothingBelongs_NothingIsAccepted() => Matrices.Sample(matrix =>
    {
        foreach (int place in Gaps(matrix))
        {
            matrix.Bytes[place] ^= 1;
            Assert.NotNull(Inspect(matrix, out _));
            matrix.Bytes[place] ^= 1;
        }
    });

    [Fact]
    public void AMatrixCutShort_IsRefused() => Matrices.Sample(matrix =>
    {
        var inspector = new MatrixInspector(matrix.Reader.Layout, 1, 2);
        for (int bytes = 0; bytes < matrix.Bytes.Length; bytes++)
        {
            Assert.Contains("before the page's end", inspector.FindFault(matrix.Bytes[..bytes], out _));
        }
    });

    private static string? Inspect(PackedMatrix matrix, out MatrixOffsets offsets) =>
        new MatrixInspector(matrix.Reader.Layout, 1, 2).FindFault(matrix.Bytes, out offsets);

    /// <summary>Bytes of padding, and those of the lines that the planes' last quads lack, which are the last of each four.</summary>
    private static IEnumerable<int> Gaps(PackedMatrix matrix)
    {
        (MatrixOffsets at, WidthCounts counts) = (matrix.Offsets, matrix.Reader.Counts);
        return Enumerable.Range(at.ZerosEnd, at.Low - at.ZerosEnd).Concat(Enumerable.Range(at.FullEnd, at.End - at.FullEnd))
            .Concat(Missing(at.Low, at.Third, counts.Quantized)).Concat(Missing(at.Third, at.Fourth, counts.Third))
            .Concat(Missing(at.Fourth, at.High, counts.Fourth)).Concat(Missing(at.High, at.Full, counts.Eight));
    }

    private static IEnumerable<int> Missing(int start, int end, int lines) => lines % 4 == 0
        ? []
        : Enumerable.Range(0, (end - start) / BitPlane.Quads(lines)).Select(i => end - 1 - i).Where(place => (place - start) % 4 >= lines % 4);
}
