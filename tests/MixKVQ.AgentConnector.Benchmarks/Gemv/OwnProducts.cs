using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Models.Cpu;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;

namespace MixKVQ.AgentConnector.Benchmarks.Gemv;

/// <summary>This library's products of a matrix and one row, as decode steps compute them.</summary>
internal sealed class OwnProducts : IDisposable
{
    private readonly StoredProduct _product;
    private readonly Int8Matrix[] _codes;
    private readonly WeightMatrix[] _halves;
    private readonly WeightMatrix[] _bytes;
    private readonly FloatRows _input;
    private readonly FloatRows _output;
    private readonly int _outputs;

    /// <param name="weights">The matrix; borrowed.</param>
    /// <param name="team">Shares the work; borrowed.</param>
    public OwnProducts(ColdWeights weights, WorkerTeam team)
    {
        (_outputs, int inputs) = ((int)weights[0].shape[0], (int)weights[0].shape[1]);
        _product = new StoredProduct(team);
        _input = new FloatRows(inputs);
        _output = new FloatRows(_outputs);
        _input.Reserve(1);
        _output.Reserve(1);
        var random = new Random(1);
        foreach (ref float x in _input.Span(0))
        {
            x = random.NextSingle() - 0.5f;
        }

        _halves = [.. weights.All.Select(copy => new TensorMatrix(copy).OnCpu(null))];

        // Half the bytes: twice the copies find them as cold.
        _codes = [.. weights.All.Concat(weights.All).Select(copy => EightBitOf(copy, team))];
        _bytes = [.. _codes.Select(matrix => matrix.OnCpu(null))];
    }

    /// <summary>With weights as they are.</summary>
    public void BFloat16(int turn) => _product.Run(_halves[turn % _halves.Length], _input, _output, 1, _outputs);

    /// <summary>With weights of 8 bits.</summary>
    public void EightBit(int turn) => _product.Run(_bytes[turn % _bytes.Length], _input, _output, 1, _outputs);

    public void Dispose() => Array.ForEach(_codes, matrix => matrix.Dispose());

    private static Int8Matrix EightBitOf(torch.Tensor weights, WorkerTeam team)
    {
        var matrix = new Int8Matrix((int)weights.shape[0], (int)weights.shape[1], torch.ScalarType.BFloat16, team);
        matrix.Write(0, weights, "weights");
        return matrix;
    }
}
