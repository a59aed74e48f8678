using System.Runtime.Intrinsics;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Adds a vector times a packed matrix, y += x · M, in one pass over the packed bytes: with x a query over channels, y are a page's logits;
/// with x the attention weights over tokens, y is the output. A line's scale and zero fold into x:
/// <code>
///   y_e = Σ_i (x_i · s_i) · code_ie + Σ_i x_i · z_i          the second sum once a matrix
/// </code>
/// Several vectors x (the query heads of a KV head) share the decoding. One thread at a time: it holds scratch memory.
/// </summary>
internal sealed unsafe class LineProduct
{
    /// <summary>Lines that are decoded before they are added, to load and store y once for all of them; matrices have a multiple of it.</summary>
    private const int BatchLines = 4;

    private readonly ScratchFloats _lines = new();
    private readonly ScratchFloats _factors = new();
    private readonly ScratchFloats _zeroSums = new();

    /// <summary>y[r] += x[r] · M for each row r.</summary>
    /// <param name="matrix">Opened on M: lines × elements.</param>
    /// <param name="x">[rows, lines].</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="y">[rows, elements].</param>
    /// <param name="yStride">Floats from one row of y to the next.</param>
    public void Add(MatrixReader matrix, float* x, int rows, float* y, int yStride)
    {
        int length = matrix.Layout.LineLength;
        int lineCount = matrix.Layout.LineCount;
        float* lines = _lines.OfLength(BatchLines * length);
        float* factors = _factors.OfLength(rows * BatchLines);
        float* zeroSums = _zeroSums.OfLength(rows);
        new Span<float>(zeroSums, rows).Clear();
        for (int place = 0; place < lineCount; place++)
        {
            int batched = place % BatchLines;
            LineDecoder.Decode(matrix, place, new Span<float>(lines + batched * length, length));
            bool quantized = place < matrix.Counts.Quantized;
            float scale = quantized ? matrix.Scales[place] : 1;
            float zero = quantized ? matrix.Zeros[place] : 0;
            for (int row = 0; row < rows; row++)
            {
                float factor = x[row * lineCount + matrix.Order[place]];
                factors[row * BatchLines + batched] = factor * scale;
                zeroSums[row] += factor * zero;
            }

            if (batched == BatchLines - 1)
            {
                AddBatch(lines, length, factors, rows, y, yStride);
            }
        }

        AddConstants(zeroSums, length, rows, y, yStride);
    }

    private static void AddBatch(float* lines, int length, float* factors, int rows, float* y, int yStride)
    {
        for (int row = 0; row < rows; row++, factors += BatchLines, y += yStride)
        {
            Vector256<float> f0 = Vector256.Create(factors[0]), f1 = Vector256.Create(factors[1]), f2 = Vector256.Create(factors[2]), f3 = Vector256.Create(factors[3]);
            for (int e = 0; e < length; e += Vector256<float>.Count)
            {
                float* at = lines + e;
                Vector256<float> even = Vector256.MultiplyAddEstimate(f0, Vector256.Load(at), Vector256.Load(y + e));
                Vector256<float> odd = f1 * Vector256.Load(at + length);
                even = Vector256.MultiplyAddEstimate(f2, Vector256.Load(at + 2 * length), even);
                odd = Vector256.MultiplyAddEstimate(f3, Vector256.Load(at + 3 * length), odd);
                (even + odd).Store(y + e);
            }
        }
    }

    private static void AddConstants(float* constants, int length, int rows, float* y, int yStride)
    {
        for (int row = 0; row < rows; row++, y += yStride)
        {
            Vector256<float> constant = Vector256.Create(constants[row]);
            for (int e = 0; e < length; e += Vector256<float>.Count)
            {
                (Vector256.Load(y + e) + constant).Store(y + e);
            }
        }
    }
}
