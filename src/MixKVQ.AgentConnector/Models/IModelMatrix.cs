using MixKVQ.AgentConnector.Models.Cpu;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>One of the model's matrices, [outputs, inputs].</summary>
internal interface IModelMatrix : IDisposable
{
    /// <summary>Rows in the model's type, which the caller disposes.</summary>
    /// <param name="ids">[count], int64; borrowed.</param>
    Tensor Rows(Tensor ids);

    /// <summary>Reads a row, on the CPU.</summary>
    /// <param name="row">Its index.</param>
    /// <param name="values">[inputs].</param>
    void ReadRow(int row, Span<float> values);

    /// <summary>x·Wᵀ + b.</summary>
    /// <param name="input">[tokens, inputs], model dtype, contiguous; borrowed.</param>
    /// <param name="bias">[outputs], model dtype, or null; borrowed.</param>
    /// <returns>[tokens, outputs], model dtype, contiguous; the caller disposes it.</returns>
    Tensor Multiply(Tensor input, Tensor? bias);

    /// <summary>Σ w² of each column: [inputs], float32, which the caller disposes.</summary>
    Tensor ColumnEnergies();

    /// <summary>The matrix as decode steps on the CPU read it; it must not outlive this one.</summary>
    /// <param name="bias">[outputs], model dtype, or null; copied.</param>
    WeightMatrix OnCpu(Tensor? bias);
}
