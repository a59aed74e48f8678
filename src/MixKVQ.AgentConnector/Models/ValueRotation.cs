using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>
/// Folds a rotation H of head_dim into the value and output projections: the cache sees H·v, whose channels are alike
/// in scale, and since H is orthonormal and symmetric, W_o·H undoes it. Logits do not change.
/// </summary>
internal static class ValueRotation
{
    /// <summary>The orthonormal Hadamard matrix of Sylvester's construction.</summary>
    /// <param name="size">The head dimension.</param>
    /// <param name="device">Where the matrix goes.</param>
    /// <returns>[size, size] float32, the caller's; null when the size is no power of two.</returns>
    public static Tensor? Hadamard(int size, Device device)
    {
        if (!BitOperations.IsPow2(size))
        {
            return null;
        }

        float[,] values = new float[size, size];
        float unit = (float)(1 / Math.Sqrt(size));
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                values[row, column] = BitOperations.PopCount((uint)(row & column)) % 2 == 0 ? unit : -unit;
            }
        }

        return tensor(values, device: device);
    }

    /// <summary>H times each head's rows.</summary>
    /// <param name="values">W_v [heads · headDim, hidden] or its bias [heads · headDim], float32; borrowed.</param>
    /// <param name="hadamard">[headDim, headDim]; borrowed.</param>
    /// <returns>As <paramref name="values"/>; the caller's dispose scope holds it.</returns>
    public static Tensor RotateRows(Tensor values, Tensor hadamard) =>
        hadamard.matmul(values.reshape(values.shape[0] / hadamard.shape[0], hadamard.shape[0], -1)).reshape(values.shape);

    /// <summary>Each head's columns times H.</summary>
    /// <param name="output">W_o [hidden, heads · headDim], float32; borrowed.</param>
    /// <param name="hadamard">[headDim, headDim]; borrowed.</param>
    /// <returns>As <paramref name="output"/>; the caller's dispose scope holds it.</returns>
    public static Tensor RotateColumns(Tensor output, Tensor hadamard) =>
        output.reshape(output.shape[0], -1, hadamard.shape[0]).matmul(hadamard).reshape(output.shape);
}
