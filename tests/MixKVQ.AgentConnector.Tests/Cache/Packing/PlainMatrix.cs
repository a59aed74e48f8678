using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

/// <summary>Reads a packed matrix bit by bit, as the layout is drawn, and quantizes in plain double precision: the oracle of writer and reader. Little-endian.</summary>
internal sealed class PlainMatrix
{
    private readonly byte[] _bytes;
    private readonly MatrixLayout _layout;

    public PlainMatrix(MatrixLayout layout, byte[] widths, ReadOnlySpan<byte> bytes)
    {
        (_layout, _bytes) = (layout, bytes.ToArray());
        Order = [.. new[] { 8, 4, 3, 2, 16 }.SelectMany(width => Enumerable.Range(0, widths.Length).Where(line => widths[line] == width))];
        Widths = [.. Order.Select(line => (int)widths[line])];
        int quantized = Widths.Count(width => width < 16);
        int at = layout.Palette.HasQuantized ? 16 : 0;
        int zeroBytes = at == 0 ? 0 : BitConverter.ToInt32(_bytes, 12);
        at += layout.Palette.Widths.Length > 1 ? widths.Length / 4 : 0;
        ScaleCodes = [.. Enumerable.Range(0, quantized).Select(place => Number(at + place * layout.ScaleBytes, layout.ScaleBytes))];
        at += quantized * layout.ScaleBytes;
        ZeroCodes = [.. Enumerable.Range(0, quantized).Select(place => Number(at + place * zeroBytes, zeroBytes))];
        at = (at + quantized * zeroBytes + 15) / 16 * 16;
        Codes = [.. Enumerable.Range(0, quantized).Select(_ => new int[layout.LineLength])];
        at = AddPlane(at, 2, 0, 2);
        at = AddPlane(at, 3, 2, 1);
        at = AddPlane(at, 4, 3, 1);
        FullStart = AddPlane(at, 8, 4, 4);
    }

    /// <summary>The line at each place of the storage order.</summary>
    public int[] Order { get; }

    /// <summary>The width of each stored line.</summary>
    public int[] Widths { get; }

    /// <summary>Of each stored line that is quantized.</summary>
    public int[] ScaleCodes { get; }

    /// <summary>Of each stored line that is quantized.</summary>
    public int[] ZeroCodes { get; }

    /// <summary>The codes of each stored line that is quantized.</summary>
    public int[][] Codes { get; }

    /// <summary>Where the lines begin that are not quantized.</summary>
    public int FullStart { get; }

    public float ScaleUnit => BitConverter.ToSingle(_bytes, 0);

    public float ZeroOrigin => BitConverter.ToSingle(_bytes, 4);

    public float ZeroUnit => BitConverter.ToSingle(_bytes, 8);

    /// <summary>What a scale code stands for.</summary>
    public double Scale(int code) => _layout.ScaleBytes == 2 ? BitConverter.Int32BitsToSingle(code << 16) : code == 0 ? 0 : ScaleUnit * Math.Pow(2, (code - 255) / 16.0);

    /// <summary>What a zero code stands for.</summary>
    public double Zero(int code) => ZeroOrigin + ZeroUnit * (double)code;

    /// <summary>The squared error of the plain alternation between nearest codes and the line fitted through them.</summary>
    public static double LeastSquaredError(double[] elements, int bits, int rounds)
    {
        int largest = (1 << bits) - 1;
        (double scale, double zero) = ((elements.Max() - elements.Min()) / largest, elements.Min());
        for (int round = 0; round < rounds && scale > 0; round++)
        {
            double[] codes = [.. elements.Select(x => Nearest(x, scale, zero, largest))];
            (double meanCode, double mean) = (codes.Average(), elements.Average());
            double spread = codes.Sum(code => (code - meanCode) * (code - meanCode));
            if (spread == 0)
            {
                break;
            }

            scale = codes.Zip(elements, (code, x) => (code - meanCode) * (x - mean)).Sum() / spread;
            zero = mean - scale * meanCode;
        }

        return elements.Sum(x => Math.Pow(x - zero - scale * Nearest(x, scale, zero, largest), 2));
    }

    private static double Nearest(double x, double scale, double zero, int largest) => scale > 0 ? Math.Clamp(Math.Round((x - zero) / scale), 0, largest) : 0;

    private int Number(int at, int bytes) => bytes == 1 ? _bytes[at] : BitConverter.ToUInt16(_bytes, at);

    /// <summary>Adds the bits of a plane that lines of a least width have; returns where the next plane begins.</summary>
    private int AddPlane(int start, int leastWidth, int shift, int bits)
    {
        int lines = Codes.Where((_, place) => Widths[place] >= leastWidth).Count();
        int quadBytes = 4 * _layout.LineLength * bits / 8;
        for (int place = 0; place < lines; place++)
        {
            for (int e = 0; e < _layout.LineLength; e++)
            {
                int index = 4 * e + place % 4;
                int stored = _bytes[start + place / 4 * quadBytes + index % quadBytes];
                Codes[place][e] |= ((stored >> (index / quadBytes * bits)) & ((1 << bits) - 1)) << shift;
            }
        }

        return start + (lines + 3) / 4 * quadBytes;
    }
}
