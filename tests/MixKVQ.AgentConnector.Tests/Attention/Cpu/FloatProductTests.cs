using CsCheck;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Tests.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed unsafe class FloatProductTests
{
    private const float Untouched = 1234.5f;

    private static readonly byte[][] Palettes = [[2], [3], [4], [8], [16], [2, 4, 16], [2, 3, 4, 8], [3, 8]];

    private static readonly Gen<Case> Cases =
        from palette in OneOf(Palettes)
        from quads in Gen.Int[1, 8]
        from lineLength in OneOf(8, 16, 24, 32, 40, 64, 80, 96, 128)
        from format in OneOf(ElementFormat.Float32, ElementFormat.BFloat16, ElementFormat.Float16)
        from rows in Gen.Int[1, 14]
        from xPadding in Gen.Int[0, 3]
        from yPadding in Gen.Int[0, 3]
        from widths in OneOf(palette).Array[4 * quads]
        from elements in Gen.Float[-2, 2].Array[4 * quads * lineLength]
        from x in Gen.Float[-1, 1].Array[rows * (4 * quads + xPadding)]
        select new Case(new MatrixLayout(4 * quads, lineLength, new WidthPalette([.. palette]), 1, format), widths, elements, x, rows, yPadding);

    [Fact]
    public void Add_EqualsTheProductWithTheDequantizedMatrix() => Cases.Sample(
        c =>
        {
            var packed = new PackedMatrix(c.Layout, LineFit.Range, c.Elements, c.Widths, 1);
            foreach (FloatKernels kernels in FloatKernels.Supported)
            {
                var product = new FloatProduct(kernels);
                AssertProduct(c, packed, _ => true, (x, xStride, y, yStride) => product.Add(packed.Reader, x, xStride, c.Rows, y, yStride));
            }
        },
        iter: 150);

    [Fact]
    public void AddPlaces_EqualsTheProductWithThoseLines() => Cases.Sample(
        c =>
        {
            var packed = new PackedMatrix(c.Layout, LineFit.Range, c.Elements, c.Widths, 1);
            WidthCounts counts = packed.Reader.Counts;
            foreach (FloatKernels kernels in FloatKernels.Supported)
            {
                var product = new FloatProduct(kernels);
                foreach ((int first, int end) in new[] { (0, counts.Eight), (counts.Quantized, c.Layout.LineCount), (1, c.Layout.LineCount - 1) })
                {
                    AssertProduct(
                        c, packed, place => place >= first && place < end,
                        (x, xStride, y, yStride) => product.AddPlaces(packed.Reader, first, end, x, xStride, c.Rows, y, yStride));
                }
            }
        },
        iter: 100);

    private delegate void Product(float* x, int xStride, float* y, int yStride);

    private static void AssertProduct(Case c, PackedMatrix packed, Func<int, bool> takes, Product add)
    {
        (int lines, int length) = (c.Layout.LineCount, c.Layout.LineLength);
        int xStride = c.X.Length / c.Rows;
        int yStride = length + c.YPadding;
        double[] expected = [.. Enumerable.Repeat((double)Untouched, c.Rows * yStride)];
        float[] elements = packed.Elements();
        for (int place = 0; place < lines; place++)
        {
            int line = packed.Reader.Order[place];
            for (int i = 0; i < c.Rows * length && takes(place); i++)
            {
                (int row, int element) = (i / length, i % length);
                expected[row * yStride + element] += (double)c.X[row * xStride + line] * elements[line * length + element];
            }
        }

        float[] y = [.. Enumerable.Repeat(Untouched, c.Rows * yStride)];
        fixed (float* from = c.X, to = y)
        {
            add(from, xStride, to, yStride);
        }

        for (int i = 0; i < y.Length; i++)
        {
            Assert.Equal(expected[i], y[i], i % yStride < length ? 1e-2 : 0);
        }
    }

    private static Gen<T> OneOf<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    private sealed record Case(MatrixLayout Layout, byte[] Widths, float[] Elements, float[] X, int Rows, int YPadding);
}
