using MixKVQ.AgentConnector.Models.Cpu;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A matrix in the model's type.</summary>
/// <param name="weight">[outputs, inputs], contiguous; owned.</param>
internal sealed unsafe class TensorMatrix(Tensor weight) : IModelMatrix
{
    /// <summary>[outputs, inputs], model dtype, contiguous; owned by this matrix.</summary>
    public Tensor Weight => weight;

    /// <inheritdoc/>
    public Tensor Rows(Tensor ids) => weight.index_select(0, ids);

    /// <inheritdoc/>
    public void ReadRow(int row, Span<float> values) => new CpuRows(weight).Read((long)row * values.Length, values);

    /// <inheritdoc/>
    public Tensor Multiply(Tensor input, Tensor? bias) => nn.functional.linear(input, weight, bias);

    /// <inheritdoc/>
    public Tensor ColumnEnergies()
    {
        using var scope = NewDisposeScope();
        Tensor floats = weight.to(ScalarType.Float32);
        return (floats * floats).sum([0L]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public WeightMatrix OnCpu(Tensor? bias) => new(
        (byte*)TensorMemory.DataPointer(weight),
        weight.dtype == ScalarType.Float32 ? WeightFormat.Float32 : WeightFormat.BFloat16,
        (int)weight.size(0),
        (int)weight.size(1),
        [],
        CpuRows.ToArray(bias));

    public void Dispose() => weight.Dispose();
}
