using MixKVQ.AgentConnector.Models.Cpu;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>
/// The small operations on the CPU, each in one pass over memory: a decode step spends more time on Torch's dispatch
/// of the dozen operations that each would take than on their arithmetic. Not thread-safe. Tested against <see cref="TorchPointwise"/>.
/// </summary>
internal sealed class CpuPointwise : IPointwiseKernels
{
    private float[] _scratch = [];

    /// <inheritdoc/>
    public Tensor RmsNorm(Tensor rows, Tensor weight, float epsilon)
    {
        long rowCount = rows.size(0);
        int width = (int)rows.size(1);
        Tensor result = empty(rowCount, width, dtype: rows.dtype);
        Span<float> values = Scratch(2 * width);
        Span<float> factors = values[width..];
        values = values[..width];
        new CpuRows(weight).Read(0, factors);
        var source = new CpuRows(rows);
        var target = new CpuRows(result);
        for (long row = 0; row < rowCount; row++)
        {
            source.Read(row * width, values);
            PointwiseRows.Normalize(values, factors, epsilon, values);
            target.Write(row * width, values);
        }

        KeepAlive(rows, weight, result);
        return result;
    }

    /// <inheritdoc/>
    public Tensor NormAndRotate(Tensor heads, Tensor? weight, float epsilon, Tensor rotation)
    {
        long tokens = heads.size(0);
        long headCount = heads.size(1);
        int headDim = (int)heads.size(2);
        long tokenStride = heads.stride(0);
        Span<float> scratch = Scratch(3 * headDim);
        Span<float> values = scratch[..headDim];
        Span<float> angles = scratch.Slice(headDim, headDim);
        Span<float> factors = scratch.Slice(2 * headDim, headDim);
        if (weight is not null)
        {
            new CpuRows(weight).Read(0, factors);
        }

        var rows = new CpuRows(heads);
        var rotations = new CpuRows(rotation);
        for (long token = 0; token < tokens; token++)
        {
            rotations.Read(token * headDim, angles);
            for (long head = 0; head < headCount; head++)
            {
                long offset = (token * tokenStride) + (head * headDim);
                rows.Read(offset, values);
                if (weight is not null)
                {
                    PointwiseRows.Normalize(values, factors, epsilon, values);
                }

                PointwiseRows.Rotate(values, angles);
                rows.Write(offset, values);
            }
        }

        KeepAlive(heads, weight, rotation);
        return heads;
    }

    /// <inheritdoc/>
    public Tensor SiluGate(Tensor gateAndUp)
    {
        long rowCount = gateAndUp.size(0);
        int width = (int)(gateAndUp.size(1) / 2);
        Tensor result = empty(rowCount, width, dtype: gateAndUp.dtype);
        Span<float> scratch = Scratch(2 * width);
        var source = new CpuRows(gateAndUp);
        var target = new CpuRows(result);
        for (long row = 0; row < rowCount; row++)
        {
            source.Read(row * 2 * width, scratch);
            PointwiseRows.Gate(scratch[..width], scratch[width..], scratch[..width]);
            target.Write(row * width, scratch[..width]);
        }

        KeepAlive(gateAndUp, null, result);
        return result;
    }

    // The memory that was read and written by address must not be freed before the last access.
    private static void KeepAlive(Tensor first, Tensor? second, Tensor third)
    {
        GC.KeepAlive(first);
        GC.KeepAlive(second);
        GC.KeepAlive(third);
    }

    private Span<float> Scratch(int length)
    {
        if (_scratch.Length < length)
        {
            _scratch = new float[length];
        }

        return _scratch.AsSpan(0, length);
    }
}
