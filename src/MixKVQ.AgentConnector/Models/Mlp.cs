using MixKVQ.AgentConnector.Checkpoints;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The gated feed-forward part of a layer: down(silu(gate(x)) · up(x)).</summary>
internal sealed class Mlp : IDisposable
{
    private readonly Projection _gateAndUp;
    private readonly Projection _down;
    private readonly IPointwiseKernels _pointwise;

    public Mlp(ModelConfig config, string prefix, WeightReader reader, IPointwiseKernels pointwise)
    {
        _pointwise = pointwise;
        _gateAndUp = reader.ReadProjection(
            config.HiddenSize,
            config.MlpBias,
            new ProjectionPart($"{prefix}gate_proj", config.IntermediateSize),
            new ProjectionPart($"{prefix}up_proj", config.IntermediateSize));
        _down = reader.ReadProjection(config.IntermediateSize, config.MlpBias, new ProjectionPart($"{prefix}down_proj", config.HiddenSize));
    }

    /// <param name="input">[tokens, hidden], model dtype, normed; borrowed.</param>
    /// <returns>[tokens, hidden], model dtype; the caller's dispose scope holds it.</returns>
    public Tensor Apply(Tensor input) => _down.Apply(_pointwise.SiluGate(_gateAndUp.Apply(input)));

    public void Dispose()
    {
        _gateAndUp.Dispose();
        _down.Dispose();
    }
}
