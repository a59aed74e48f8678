using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Logits and weighted sums over rows that are not quantized: sinks and tail. One thread at a time: it holds scratch memory.</summary>
/// <param name="headDim">Elements of a row; a multiple of 8.</param>
/// <param name="format">Type of the rows.</param>
internal sealed unsafe class DenseProduct(int headDim, ElementFormat format)
{
    /// <summary>Rows that are taken together, to load and store sums once for all of them.</summary>
    private const int BatchRows = 4;

    private readonly AlignedMemory _batch = new(BatchRows * headDim * sizeof(float));

    /// <summary>logits[r, t] = x[r] · keys[t].</summary>
    /// <param name="keys">[count, headDim], in the format.</param>
    /// <param name="count">Rows of keys.</param>
    /// <param name="x">[rows, headDim].</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="logits">[rows, count].</param>
    /// <param name="stride">Floats from row to row of the logits, with room for four more than there are keys.</param>
    public void Logits(byte* keys, int count, float* x, int rows, float* logits, int stride)
    {
        for (int token = 0; token < count; token += BatchRows)
        {
            float* batch = Read(keys, token, Math.Min(BatchRows, count - token));
            int row = 0;
            for (; row < rows - 1; row += 2)
            {
                Dots(x + row * headDim, batch, logits + row * stride + token, stride);
            }

            if (row < rows)
            {
                Dots(x + row * headDim, batch, logits + row * stride + token);
            }
        }
    }

    /// <summary>y[r] += Σ_t weights[r, t] · values[t], shaped as for <see cref="Logits"/>.</summary>
    public void AddValues(byte* values, int count, float* weights, int stride, int rows, float* y)
    {
        for (int token = 0; token < count; token += BatchRows)
        {
            int present = Math.Min(BatchRows, count - token);
            float* batch = Read(values, token, present);
            for (int row = 0; row < rows; row++)
            {
                float* w = weights + row * stride + token;
                AddScaled(batch, w[0], present > 1 ? w[1] : 0, present > 2 ? w[2] : 0, present > 3 ? w[3] : 0, y + row * headDim);
            }
        }
    }

    /// <summary>A batch of rows as floats; the rows beyond those present have any finite content.</summary>
    private float* Read(byte* rows, int first, int present)
    {
        int bytes = headDim * format.Bytes();
        float* batch = _batch.Floats;
        format.Read(new ReadOnlySpan<byte>(rows + (long)first * bytes, present * bytes), new Span<float>(batch, present * headDim));
        new Span<float>(batch + present * headDim, (BatchRows - present) * headDim).Clear();
        return batch;
    }

    /// <summary>x · each row of a batch.</summary>
    private void Dots(float* x, float* batch, float* dots)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        for (int i = 0; i < headDim; i += Vector256<float>.Count, batch += Vector256<float>.Count)
        {
            Vector256<float> elements = Vector256.Load(x + i);
            s0 = Vector256.MultiplyAddEstimate(elements, Vector256.Load(batch), s0);
            s1 = Vector256.MultiplyAddEstimate(elements, Vector256.Load(batch + headDim), s1);
            s2 = Vector256.MultiplyAddEstimate(elements, Vector256.Load(batch + 2 * headDim), s2);
            s3 = Vector256.MultiplyAddEstimate(elements, Vector256.Load(batch + 3 * headDim), s3);
        }

        Floats.Sums(s0, s1, s2, s3).Store(dots);
    }

    /// <summary>Two rows of x, one behind the other, · each row of a batch.</summary>
    private void Dots(float* x, float* batch, float* dots, int stride)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default, t0 = default, t1 = default, t2 = default, t3 = default;
        for (int i = 0; i < headDim; i += Vector256<float>.Count, batch += Vector256<float>.Count)
        {
            Vector256<float> first = Vector256.Load(x + i), second = Vector256.Load(x + headDim + i);
            Vector256<float> b0 = Vector256.Load(batch), b1 = Vector256.Load(batch + headDim), b2 = Vector256.Load(batch + 2 * headDim), b3 = Vector256.Load(batch + 3 * headDim);
            s0 = Vector256.MultiplyAddEstimate(first, b0, s0);
            s1 = Vector256.MultiplyAddEstimate(first, b1, s1);
            s2 = Vector256.MultiplyAddEstimate(first, b2, s2);
            s3 = Vector256.MultiplyAddEstimate(first, b3, s3);
            t0 = Vector256.MultiplyAddEstimate(second, b0, t0);
            t1 = Vector256.MultiplyAddEstimate(second, b1, t1);
            t2 = Vector256.MultiplyAddEstimate(second, b2, t2);
            t3 = Vector256.MultiplyAddEstimate(second, b3, t3);
        }

        Floats.Sums(s0, s1, s2, s3).Store(dots);
        Floats.Sums(t0, t1, t2, t3).Store(dots + stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddScaled(float* batch, float w0, float w1, float w2, float w3, float* y)
    {
        Vector256<float> f0 = Vector256.Create(w0), f1 = Vector256.Create(w1), f2 = Vector256.Create(w2), f3 = Vector256.Create(w3);
        for (int i = 0; i < headDim; i += Vector256<float>.Count, batch += Vector256<float>.Count)
        {
            Vector256<float> even = Vector256.MultiplyAddEstimate(f0, Vector256.Load(batch), Vector256.Load(y + i));
            Vector256<float> odd = f1 * Vector256.Load(batch + headDim);
            even = Vector256.MultiplyAddEstimate(f2, Vector256.Load(batch + 2 * headDim), even);
            odd = Vector256.MultiplyAddEstimate(f3, Vector256.Load(batch + 3 * headDim), odd);
            (even + odd).Store(y + i);
        }
    }
}
