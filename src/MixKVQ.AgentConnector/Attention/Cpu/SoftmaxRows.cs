namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Running softmax of some queries over a history that comes part by part: for each row the largest logit m so far, Σe^(l−m), and Σe^(l−m)·v. It lies in memory
/// of the caller, <see cref="Length"/> floats, and merges with those of other parts of the history.
/// </summary>
internal readonly unsafe struct SoftmaxRows(float* memory, int rows, int headDim)
{
    private readonly float* _largest = memory + rows * headDim;
    private readonly float* _sums = memory + rows * headDim + rows;

    /// <summary>[rows, headDim]: Σe^(l−m)·v; callers add a part's values after <see cref="Weigh"/>.</summary>
    public float* Outputs { get; } = memory;

    /// <summary>Floats that it takes, with what kernels may touch past the outputs' end.</summary>
    public static int Length(int rows, int headDim) => (rows * (headDim + 2) + 31) & ~15;

    /// <summary>Begins anew.</summary>
    public void Reset()
    {
        new Span<float>(Outputs, rows * headDim).Clear();
        new Span<float>(_sums, rows).Clear();
        new Span<float>(_largest, rows).Fill(float.NegativeInfinity);
    }

    /// <summary>Turns a part's logits, <paramref name="count"/> a row, into weights e^(l−m) in place, and rescales what was gathered before where m rose.</summary>
    public void Weigh(float* logits, int count, int stride)
    {
        for (int row = 0; row < rows; row++, logits += stride)
        {
            float before = _largest[row];
            float now = MathF.Max(before, Floats.Max(logits, count));
            if (float.IsNegativeInfinity(now))
            {
                new Span<float>(logits, count).Clear();
                continue;
            }

            if (now > before)
            {
                float factor = MathF.Exp(before - now);
                Floats.Multiply(Outputs + row * headDim, factor, Outputs + row * headDim, headDim);
                _sums[row] *= factor;
                _largest[row] = now;
            }

            _sums[row] += Floats.ExpShifted(logits, now, count);
        }
    }

    /// <summary>Writes each row's output over all parts, each of the shape of this one and <paramref name="stride"/> floats after the one before, this one the first.</summary>
    /// <param name="partCount">Parts, this one included.</param>
    /// <param name="stride">Floats from part to part.</param>
    /// <param name="row">The row to write.</param>
    /// <param name="output">[headDim].</param>
    public void Merge(int partCount, int stride, int row, float* output)
    {
        float largest = float.NegativeInfinity;
        for (int part = 0; part < partCount; part++)
        {
            largest = MathF.Max(largest, _largest[row + part * stride]);
        }

        float sum = 0;
        for (int part = 0; part < partCount; part++)
        {
            sum += _sums[row + part * stride] * MathF.Exp(_largest[row + part * stride] - largest);
        }

        new Span<float>(output, headDim).Clear();
        for (int part = 0; part < partCount; part++)
        {
            Floats.AddScaled(Outputs + part * stride + row * headDim, MathF.Exp(_largest[row + part * stride] - largest) / sum, output, headDim);
        }
    }
}
