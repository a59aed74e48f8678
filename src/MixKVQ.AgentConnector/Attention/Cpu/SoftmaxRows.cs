namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Running softmax of some queries over a history that comes part by part: for each row the largest logit m so far, Σe^(l−m), and Σe^(l−m)·v.
/// </summary>
internal sealed unsafe class SoftmaxRows
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
    public void Weigh(float* logits, int count)
    {
        float* largest = _largest.OfLength(_rows);
        float* sums = _sums.OfLength(_rows);
        for (int row = 0; row < _rows; row++, logits += count)
        {
            float before = largest[row];
            float now = Math.Max(before, Floats.Max(logits, count));
            if (float.IsNegativeInfinity(now))
            {
                new Span<float>(logits, count).Clear();
                continue;
            }

            if (now > before)
            {
                float factor = MathF.Exp(before - now);
                Floats.Multiply(Outputs + row * _headDim, factor, _headDim);
                sums[row] *= factor;
                largest[row] = now;
            }

            sums[row] += Floats.ExpShifted(logits, now, count);
        }
    }

    /// <summary>Divides each row's output by its sum.</summary>
    public void Normalize()
    {
        float* sums = _sums.OfLength(_rows);
        for (int row = 0; row < _rows; row++)
        {
            Floats.Multiply(Outputs + row * _headDim, 1 / sums[row], _headDim);
        }
    }
}
