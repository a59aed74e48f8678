using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A linear map y = x·Wᵀ + b.</summary>
/// <param name="weight">[outputs, inputs], model dtype; owned.</param>
/// <param name="bias">[outputs], model dtype, or null; owned.</param>
internal sealed class Projection(Tensor weight, Tensor? bias) : IDisposable
{
    /// <summary>[outputs, inputs], model dtype; owned by this projection.</summary>
    public Tensor Weight => weight;

    /// <param name="input">[tokens, inputs], model dtype; borrowed.</param>
    /// <returns>[tokens, outputs], model dtype, contiguous; the caller disposes it.</returns>
    public Tensor Apply(Tensor input) => nn.functional.linear(input, weight, bias);

    public void Dispose()
    {
        weight.Dispose();
        bias?.Dispose();
    }
}
