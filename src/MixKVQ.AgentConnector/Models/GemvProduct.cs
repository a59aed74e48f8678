using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The loops of <see cref="CpuGemv"/>, four rows at a time so that each part of the vector is loaded once for them.</summary>
/// <param name="weight">Row by row, float32 or bfloat16.</param>
/// <param name="x">The vector, float32; for bfloat16 weights its elements 2i, then its elements 2i + 1, then a last odd one.</param>
/// <param name="y">Receives the result, float32.</param>
/// <param name="inputs">Length of a row.</param>
/// <param name="isFloat">Whether weights are float32, not bfloat16.</param>
internal readonly unsafe struct GemvProduct(byte* weight, float* x, float* y, int inputs, bool isFloat)
{
    private const int RowsPerBlock = 4;

    private readonly byte* _weight = weight;
    private readonly float* _x = x;
    private readonly float* _y = y;

    /// <summary>Computes all outputs, in as many shares as threads are given.</summary>
    public void Run(int outputs, int threads)
    {
        if (threads == 1)
        {
            Rows(0, outputs);
            return;
        }

        GemvProduct product = this;
        int share = (outputs + threads - 1) / threads;
        Parallel.For(0, threads, thread => product.Rows(thread * share, Math.Min(outputs, (thread + 1) * share)));
    }

    private void Rows(int first, int end)
    {
        int row = first;
        for (; row <= end - RowsPerBlock; row += RowsPerBlock)
        {
            if (isFloat)
            {
                FloatBlock(row);
            }
            else
            {
                PairBlock(row);
            }
        }

        for (; row < end; row++)
        {
            _y[row] = isFloat ? FloatTail((float*)_weight + ((long)row * inputs), 0) : PairTail((ushort*)_weight + ((long)row * inputs), 0);
        }
    }

    private void FloatBlock(int row)
    {
        float* w0 = (float*)_weight + ((long)row * inputs), w1 = w0 + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= inputs - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Vector256<float> part = Vector256.Load(_x + i);
            s0 = Vector256.FusedMultiplyAdd(Vector256.Load(w0 + i), part, s0);
            s1 = Vector256.FusedMultiplyAdd(Vector256.Load(w1 + i), part, s1);
            s2 = Vector256.FusedMultiplyAdd(Vector256.Load(w2 + i), part, s2);
            s3 = Vector256.FusedMultiplyAdd(Vector256.Load(w3 + i), part, s3);
        }

        _y[row] = Vector256.Sum(s0) + FloatTail(w0, i);
        _y[row + 1] = Vector256.Sum(s1) + FloatTail(w1, i);
        _y[row + 2] = Vector256.Sum(s2) + FloatTail(w2, i);
        _y[row + 3] = Vector256.Sum(s3) + FloatTail(w3, i);
    }

    private void PairBlock(int row)
    {
        ushort* w0 = (ushort*)_weight + ((long)row * inputs), w1 = w0 + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
        float* odd = _x + (inputs / 2);
        Vector256<float> e0 = default, e1 = default, e2 = default, e3 = default, o0 = default, o1 = default, o2 = default, o3 = default;
        Vector256<uint> upper = Vector256.Create(0xFFFF0000u);
        int i = 0;
        for (; i <= inputs - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Vector256<float> evens = Vector256.Load(_x + (i / 2)), odds = Vector256.Load(odd + (i / 2));
            Add(w0 + i, ref e0, ref o0);
            Add(w1 + i, ref e1, ref o1);
            Add(w2 + i, ref e2, ref o2);
            Add(w3 + i, ref e3, ref o3);

            void Add(ushort* pairs, ref Vector256<float> even, ref Vector256<float> odd)
            {
                Vector256<uint> lanes = Vector256.Load((uint*)pairs);
                even = Vector256.FusedMultiplyAdd((lanes << 16).AsSingle(), evens, even);
                odd = Vector256.FusedMultiplyAdd((lanes & upper).AsSingle(), odds, odd);
            }
        }

        _y[row] = Vector256.Sum(e0 + o0) + PairTail(w0, i);
        _y[row + 1] = Vector256.Sum(e1 + o1) + PairTail(w1, i);
        _y[row + 2] = Vector256.Sum(e2 + o2) + PairTail(w2, i);
        _y[row + 3] = Vector256.Sum(e3 + o3) + PairTail(w3, i);
    }

    private float FloatTail(float* row, int first)
    {
        float sum = 0;
        for (int i = first; i < inputs; i++)
        {
            sum += row[i] * _x[i];
        }

        return sum;
    }

    private float PairTail(ushort* row, int first)
    {
        float sum = 0;
        int half = inputs / 2;
        for (int i = first; i < inputs; i++)
        {
            int place = i == 2 * half ? i : (i / 2) + (i % 2 * half);
            sum += BitConverter.UInt32BitsToSingle((uint)row[i] << 16) * _x[place];
        }

        return sum;
    }
}
