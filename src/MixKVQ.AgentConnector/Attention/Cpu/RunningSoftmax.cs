namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Softmax of some rows over a history that comes part by part: for each row the largest logit m so far, Σe^(l−m), and Σe^(l−m)·v. One thread at a time.
/// </summary>
internal sealed unsafe class RunningSoftmax(FloatKernels kernels)
{
    private readonly ScratchFloats _largest = new();
    private readonly ScratchFloats _sums = new();
    private readonly ScratchFloats _outputs = new();
    private int _rows;
    private int _headDim;

    /// <summary>[rows, headDim]: Σe^(l−m)·v; callers add a part's values after <see cref="Weigh"/>.</summary>
    public float* Outputs { get; private set; }

    /// <summary>Begins anew.</summary>
    public void Reset(int rows, int headDim)
    {
        (_rows, _headDim) = (rows, headDim);
        Outputs = _outputs.OfLength(rows * headDim);
        new Span<float>(Outputs, rows * headDim).Clear();
        new Span<float>(_sums.OfLength(rows), rows).Clear();
        new Span<float>(_largest.OfLength(rows), rows).Fill(float.NegativeInfinity);
    }

    /// <summary>Turns a part's logits, [rows, count], into weights e^(l−m) in place, and rescales what was gathered before where m rose.</summary>
    /// <param name="logits">The first row.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="count">Logits of a row; a multiple of <see cref="FloatKernels.PanelWidth"/>, −∞ where there is no token.</param>
    public void Weigh(float* logits, int stride, int count)
    {
        float* largest = _largest.OfLength(_rows);
        float* sums = _sums.OfLength(_rows);
        for (int row = 0; row < _rows; row++)
        {
            float before = largest[row];
            float sum = kernels.Weigh(logits + (long)row * stride, count, ref largest[row]);
            if (largest[row] > before)
            {
                float factor = MathF.Exp(before - largest[row]);
                kernels.Scale(Outputs + (long)row * _headDim, factor, _headDim);
                sums[row] *= factor;
            }

            sums[row] += sum;
        }
    }

    /// <summary>Divides each row's output by its sum.</summary>
    public void Normalize()
    {
        float* sums = _sums.OfLength(_rows);
        for (int row = 0; row < _rows; row++)
        {
            kernels.Scale(Outputs + (long)row * _headDim, 1 / sums[row], _headDim);
        }
    }
}
