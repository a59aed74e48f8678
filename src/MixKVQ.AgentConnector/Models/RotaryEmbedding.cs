using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A table of cosines and sines by position, which grows as positions are asked for. Not thread-safe.</summary>
/// <param name="rope">The frequencies' rule.</param>
/// <param name="headDim">Channels of a head; even.</param>
/// <param name="maxPositionCount">The model's context; the table grows beyond it only as far as asked.</param>
/// <param name="device">Where the table lives.</param>
internal sealed unsafe class RotaryEmbedding(RopeParameters rope, int headDim, int maxPositionCount, Device device) : IDisposable
{
    private const int FirstCapacity = 1024;

    private Tensor? _table;
    private int _capacity;
    private nint _address;

    /// <summary>The rotation of consecutive positions.</summary>
    /// <returns>
    /// [count, headDim] float32: headDim / 2 cosines, then as many sines, times the attention factor, of the angles of
    /// the channel pairs (i, i + headDim / 2). A view; the caller disposes it before the next call.
    /// </returns>
    public Tensor At(int position, int count)
    {
        Reach(checked(position + count));
        return _table!.narrow(0, position, count);
    }

    /// <summary>The rotation of one position on the CPU: a row as <see cref="At"/> gives it, valid until the next call.</summary>
    public ReadOnlySpan<float> RowOnCpu(int position)
    {
        Reach(checked(position + 1));
        return new ReadOnlySpan<float>((float*)_address + ((nint)position * headDim), headDim);
    }

    /// <summary>Where the table lies on its device, [positions, headDim] with rows as <see cref="At"/> gives them, up to a position at least; valid until the next call.</summary>
    public nint Address(int lastPosition)
    {
        Reach(checked(lastPosition + 1));
        return _address;
    }

    public void Dispose() => _table?.Dispose();

    private void Reach(int end)
    {
        if (end > _capacity)
        {
            _table?.Dispose();
            (_table, _capacity) = (null, 0);
            int capacity = (int)Math.Max(end, Math.Min(Math.Max(FirstCapacity, 2L * end), maxPositionCount));
            _table = Build(capacity);
            _capacity = capacity;
            _address = TensorMemory.DataPointer(_table);
        }
    }

    private Tensor Build(int capacity)
    {
        int half = headDim / 2;
        float[] values = new float[checked(capacity * headDim)];
        double[] frequencies = RopeFrequencies.At(rope, headDim, 0);
        for (int position = 0; position < capacity; position++)
        {
            if (rope.Kind == RopeKind.Dynamic && position >= rope.OriginalMaxPositionCount)
            {
                frequencies = RopeFrequencies.At(rope, headDim, position);
            }

            Span<float> row = values.AsSpan(position * headDim, headDim);
            for (int pair = 0; pair < half; pair++)
            {
                (double sine, double cosine) = Math.SinCos(position * frequencies[pair]);
                row[pair] = (float)(cosine * rope.AttentionFactor);
                row[half + pair] = (float)(sine * rope.AttentionFactor);
            }
        }

        using var scope = NewDisposeScope();
        return tensor(values, [capacity, headDim]).to(device).DetachFromDisposeScope();
    }
}
