using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>The kernel over packed pages, with one token's queries.</summary>
internal sealed unsafe class OwnAttention : IDisposable
{
    private readonly PackedHistory _history;
    private readonly PackedAttention _kernel;
    private readonly float _scale;
    private readonly int _length;
    private readonly float* _queries;
    private readonly float* _output;

    /// <param name="history">What is attended to; borrowed.</param>
    /// <param name="kernel">The kernel.</param>
    public OwnAttention(PackedHistory history, PackedAttention kernel)
    {
        (_history, _kernel) = (history, kernel);
        _scale = (float)(1 / Math.Sqrt(history.Geometry.HeadDim));
        _length = history.Geometry.QueryHeadCount * history.Geometry.HeadDim;
        _queries = (float*)NativeMemory.AlignedAlloc((nuint)(2 * _length * sizeof(float)), 64);
        _output = _queries + _length;
        var random = new Random(1);
        for (int i = 0; i < _length; i++)
        {
            // Of variance 1, as queries after their norm.
            _queries[i] = (random.NextSingle() - 0.5f) * 3.46f;
        }
    }

    /// <summary>Attends to one layer after the other.</summary>
    public void Attend(int turn) => _kernel.Attend([new DecodeQuery(_history.Views[turn % _history.Views.Length], _queries, _output)], _scale);

    /// <summary>How far the results of the first layer differ from another kernel's, relative to their length.</summary>
    public double DistanceTo(OwnAttention other)
    {
        Attend(0);
        other.Attend(0);
        (double error, double sum) = (0, 0);
        for (int i = 0; i < _length; i++)
        {
            error += Math.Pow(_output[i] - other._output[i], 2);
            sum += Math.Pow(other._output[i], 2);
        }

        return Math.Sqrt(error / sum);
    }

    public void Dispose() => NativeMemory.AlignedFree(_queries);
}
