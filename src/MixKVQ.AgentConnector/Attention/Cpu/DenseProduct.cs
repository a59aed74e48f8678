using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Logits and weighted sums over rows that are not quantized: sinks and tail. One thread at a time: it holds scratch memory.</summary>
internal sealed unsafe class DenseProduct
{
    private readonly ScratchFloats _row = new();

    /// <summary>logits[r, t] = x[r] · keys[t].</summary>
    /// <param name="keys">[count, headDim] in <paramref name="format"/>.</param>
    /// <param name="format">Type of the keys.</param>
    /// <param name="count">Rows of keys.</param>
    /// <param name="headDim">Elements of a row.</param>
    /// <param name="x">[rows, headDim].</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="logits">[rows, count].</param>
    public void Logits(byte* keys, ElementFormat format, int count, int headDim, float* x, int rows, float* logits)
    {
        for (int token = 0; token < count; token++)
        {
            float* key = Row(keys, format, token, headDim);
            for (int row = 0; row < rows; row++)
            {
                logits[row * count + token] = Floats.Dot(x + row * headDim, key, headDim);
            }
        }
    }

    /// <summary>y[r] += Σ_t weights[r, t] · values[t], all shaped as for <see cref="Logits"/>.</summary>
    public void AddValues(byte* values, ElementFormat format, int count, int headDim, float* weights, int rows, float* y)
    {
        for (int token = 0; token < count; token++)
        {
            float* value = Row(values, format, token, headDim);
            for (int row = 0; row < rows; row++)
            {
                Floats.AddScaled(value, weights[row * count + token], y + row * headDim, headDim);
            }
        }
    }

    private float* Row(byte* rows, ElementFormat format, int index, int headDim)
    {
        byte* at = rows + (long)index * headDim * format.Bytes();
        if (format == ElementFormat.Float32)
        {
            return (float*)at;
        }

        float* row = _row.OfLength(headDim);
        format.Read(new ReadOnlySpan<byte>(at, headDim * format.Bytes()), new Span<float>(row, headDim));
        return row;
    }
}
