using CsCheck;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Tests.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

/// <summary>A packed matrix where a page would have it, and what it stands for.</summary>
internal sealed unsafe class PageMatrix
{
    private readonly PackedMatrix _packed;
    private readonly AlignedMemory _memory;

    public PageMatrix(MatrixLayout layout, byte[] widths, float[] elements, int zeroBytes)
    {
        _packed = new PackedMatrix(layout, LineFit.Range, elements, widths, zeroBytes);
        _memory = new AlignedMemory(_packed.Bytes.Length + 64);
        _packed.Bytes.CopyTo(new Span<byte>(_memory.Start, _packed.Bytes.Length));
        Elements = _packed.Elements();
    }

    /// <summary>Matrices of all palettes, of shapes that keys and values of some model have.</summary>
    public static Gen<PageMatrix> Any { get; } =
        from palette in OneOf<byte[]>([2], [3], [4], [8], [16], [2, 4], [2, 4, 16], [2, 3, 4, 8], [3, 8])
        from shape in OneOf((8, 128), (16, 128), (64, 128), (80, 128), (128, 128), (136, 128), (256, 128), (264, 128), (128, 8), (128, 16), (128, 40), (128, 64), (128, 80), (128, 256))
        from scaleBytes in Gen.Int[1, 2]
        from zeroBytes in Gen.Int[scaleBytes, 2]
        from widths in OneOf(palette).Array[shape.Item1]
        from seed in Gen.Int
        select new PageMatrix(
            new MatrixLayout(shape.Item1, shape.Item2, new WidthPalette([.. palette]), scaleBytes, ElementFormat.BFloat16), widths, RandomElements(shape.Item1, shape.Item2, seed), zeroBytes);

    /// <summary>The instructions that this machine can run.</summary>
    public static IEnumerable<CpuInstructions> Instructions => Enum.GetValues<CpuInstructions>().Where(CpuInstructionSets.Supports);

    public byte* Start => _memory.Start;

    public MatrixReader Reader => _packed.Reader;

    public MatrixLayout Layout => Reader.Layout;

    /// <summary>[lines, elements], dequantized.</summary>
    public float[] Elements { get; }

    /// <summary>The largest code of a line : 0 where it is not quantized.</summary>
    public int LargestCode(int place) => place >= Reader.Counts.Quantized ? 0 : AffineLine.MaxCode(Reader.Counts.WidthAt(place));

    public static Gen<T> OneOf<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(i => items[i]);

    public static float[] RandomElements(int lines, int length, int seed)
    {
        var random = new Random(seed);
        var elements = new float[lines * length];
        for (int line = 0; line < lines; line++)
        {
            float amplitude = MathF.Exp(2 * random.NextSingle()), offset = 4 * random.NextSingle() - 2;
            for (int e = 0; e < length; e++)
            {
                elements[line * length + e] = offset + amplitude * (random.NextSingle() - 0.5f);
            }
        }

        return elements;
    }

    /// <summary>Rows that stress integers: noise, all equal, one that dwarfs the rest, signs that alternate, numbers too small to divide by, none at all.</summary>
    public static float[] Row(int kind, int length, Random random) => kind switch
    {
        0 => [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() * 2 - 1)],
        1 => [.. Enumerable.Repeat(3f, length)],
        2 => [.. Enumerable.Range(0, length).Select(i => i == length / 2 ? 1e4f : random.NextSingle())],
        3 => [.. Enumerable.Range(0, length).Select(i => i % 2 == 0 ? -0.7f : 0.7f)],
        4 => [.. Enumerable.Repeat(-1e-3f, length)],
        5 => [.. Enumerable.Range(0, length).Select(i => i * 1e-42f)],
        _ => new float[length],
    };
}
