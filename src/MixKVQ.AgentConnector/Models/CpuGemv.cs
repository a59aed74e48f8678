using System.Buffers;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>
/// Matrix times vector on the CPU, for decoding one token: reads each weight once, accumulates in float32. libtorch's
/// bfloat16 product of one row reads memory several times slower than it could.
/// </summary>
internal static unsafe class CpuGemv
{
    // Below this many weights one core is done before others have woken up.
    private const long WeightsPerThread = 2 << 20;

    /// <summary>y = W·x + b.</summary>
    /// <param name="weight">[outputs, inputs], float32 or bfloat16, contiguous, on the CPU; borrowed.</param>
    /// <param name="bias">[outputs] of the same type, or null; borrowed.</param>
    /// <param name="input">[1, inputs] of the same type, contiguous; borrowed.</param>
    /// <param name="resultType">float32 or bfloat16.</param>
    /// <returns>[1, outputs]; the caller disposes it.</returns>
    public static Tensor Multiply(Tensor weight, Tensor? bias, Tensor input, ScalarType resultType)
    {
        int outputs = (int)weight.size(0);
        int inputs = (int)weight.size(1);
        bool isFloat = weight.dtype == ScalarType.Float32;
        float[] buffer = ArrayPool<float>.Shared.Rent((2 * inputs) + (2 * outputs));
        Span<float> vector = buffer.AsSpan(0, inputs);
        new CpuRows(input).Read(0, isFloat ? vector : buffer.AsSpan(inputs, inputs));
        if (!isFloat)
        {
            SplitPairs(buffer.AsSpan(inputs, inputs), vector);
        }

        Span<float> result = buffer.AsSpan(2 * inputs, outputs);
        fixed (float* x = vector, y = result)
        {
            var product = new GemvProduct((byte*)TensorMemory.DataPointer(weight), x, y, inputs, isFloat);
            product.Run(outputs, (int)Math.Clamp((long)outputs * inputs / WeightsPerThread, 1, get_num_threads()));
        }

        if (bias is not null)
        {
            Span<float> offsets = buffer.AsSpan((2 * inputs) + outputs, outputs);
            new CpuRows(bias).Read(0, offsets);
            for (int i = 0; i < outputs; i++)
            {
                result[i] += offsets[i];
            }
        }

        Tensor target = empty(1, outputs, dtype: resultType);
        new CpuRows(target).Write(0, result);
        ArrayPool<float>.Shared.Return(buffer);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        GC.KeepAlive(input);
        return target;
    }

    // Elements 2i, then elements 2i + 1: a 32-bit lane holds two bfloat16 weights, whose halves meet one of each.
    private static void SplitPairs(ReadOnlySpan<float> values, Span<float> split)
    {
        int half = values.Length / 2;
        for (int i = 0; i < half; i++)
        {
            split[i] = values[2 * i];
            split[half + i] = values[(2 * i) + 1];
        }

        if (values.Length % 2 != 0)
        {
            split[^1] = values[^1];
        }
    }
}
