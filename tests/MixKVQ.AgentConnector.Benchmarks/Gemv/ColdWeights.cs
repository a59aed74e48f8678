using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Gemv;

/// <summary>A matrix in bf16, as often as it takes to find it cold.</summary>
internal sealed unsafe class ColdWeights : IDisposable
{
    private const int PieceBytes = 64 * 1024;
    private readonly Tensor[] _copies;
    private readonly MemoryPiece[][] _pieces;

    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    public ColdWeights(int outputs, int inputs)
    {
        using Tensor normal = randn(outputs, inputs);
        _copies = [.. Enumerable.Range(0, ColdCopies.Of(2L * outputs * inputs)).Select(_ => normal.to(ScalarType.BFloat16))];
        _pieces = [.. _copies.Select(copy => PiecesOf(TensorMemory.DataPointer(copy), 2 * outputs * inputs))];
    }

    /// <summary>The copies.</summary>
    public IReadOnlyList<Tensor> All => _copies;

    /// <summary>[outputs, inputs] for a turn; owned by this object.</summary>
    public Tensor this[int turn] => _copies[turn % _copies.Length];

    /// <summary>The memory of it.</summary>
    public MemoryPiece[] Pieces(int turn) => _pieces[turn % _pieces.Length];

    public void Dispose() => Array.ForEach(_copies, copy => copy.Dispose());

    private static MemoryPiece[] PiecesOf(nint start, int bytes)
    {
        var pieces = new MemoryPiece[bytes / PieceBytes];
        for (int i = 0; i < pieces.Length; i++)
        {
            pieces[i] = new MemoryPiece((byte*)start + (i * PieceBytes), PieceBytes);
        }

        return pieces;
    }
}
