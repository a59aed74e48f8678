using MixKVQ.AgentConnector.Models.Cpu;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A linear map y = x·Wᵀ + b.</summary>
/// <param name="matrix">[outputs, inputs]; owned.</param>
/// <param name="bias">[outputs], model dtype, or null; owned.</param>
internal sealed class Projection(IModelMatrix matrix, Tensor? bias) : IDisposable
{
    private WeightMatrix? _onCpu;

    /// <summary>[outputs, inputs]; owned by this projection.</summary>
    public IModelMatrix Matrix => matrix;

    /// <summary>[outputs], model dtype, or null; owned by this projection.</summary>
    public Tensor? Bias => bias;

    /// <summary>Matrix and bias as decode steps on the CPU read them.</summary>
    public WeightMatrix OnCpu => _onCpu ??= matrix.OnCpu(bias);

    /// <param name="input">[tokens, inputs], model dtype, contiguous; borrowed.</param>
    /// <returns>[tokens, outputs], model dtype, contiguous; the caller disposes it.</returns>
    public Tensor Apply(Tensor input) => matrix.Multiply(input, bias);

    public void Dispose()
    {
        matrix.Dispose();
        bias?.Dispose();
    }
}
