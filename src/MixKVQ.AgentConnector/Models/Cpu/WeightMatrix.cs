namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>A matrix in CPU memory, as decode steps multiply it, with what each product is then scaled by and offset by.</summary>
/// <param name="weights">[outputs, inputs], row by row; borrowed, must outlive the last use.</param>
/// <param name="format">The weights' type.</param>
/// <param name="outputs">Rows.</param>
/// <param name="inputs">Weights of a row.</param>
/// <param name="units">[outputs]: what one of a row's int8 weights stands for; empty for other types.</param>
/// <param name="bias">[outputs], or empty.</param>
internal sealed unsafe class WeightMatrix(byte* weights, WeightFormat format, int outputs, int inputs, float[] units, float[] bias)
{
    private readonly byte* _weights = weights;
    private readonly ProductKernel _kernel = ProductKernel.Of(format);
    private readonly long _rowBytes = (long)inputs * BytesOf(format);

    /// <summary>Rows.</summary>
    public int Outputs => outputs;

    /// <summary>Weights of a row.</summary>
    public int Inputs => inputs;

    /// <summary>Bytes of a row.</summary>
    public int RowBytes => (int)_rowBytes;

    /// <summary>y[v][r] = (Σ_i w[first + r][i] · x[v][i]) · unit + bias.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">How many.</param>
    /// <param name="x">The vectors.</param>
    /// <param name="xStride">Floats from one vector to the next.</param>
    /// <param name="y">Receives the products.</param>
    /// <param name="yStride">Floats from one vector's products to the next one's.</param>
    /// <param name="vectors">How many.</param>
    public void Multiply(int first, int rows, float* x, int xStride, float* y, int yStride, int vectors)
    {
        _kernel.Multiply(_weights + (first * _rowBytes), rows, inputs, x, xStride, y, yStride, vectors);
        ReadOnlySpan<float> factors = units.Length == 0 ? [] : units.AsSpan(first, rows);
        ReadOnlySpan<float> offsets = bias.Length == 0 ? [] : bias.AsSpan(first, rows);
        for (int vector = 0; vector < vectors; vector++)
        {
            PointwiseRows.ScaleAndShift(new Span<float>(y + ((nint)vector * yStride), rows), factors, offsets);
        }
    }

    private static int BytesOf(WeightFormat format) => format switch
    {
        WeightFormat.Float32 => Float32Weights.Bytes,
        WeightFormat.BFloat16 => BFloat16Weights.Bytes,
        _ => Int8Weights.Bytes,
    };
}
