using MixKVQ.AgentConnector.Checkpoints;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The gated feed-forward part of a layer: down(silu(gate(x)) · up(x)).</summary>
internal sealed class Mlp : IDisposable
{
    private readonly IPointwiseKernels _pointwise;

    public Mlp(ModelConfig config, string prefix, WeightReader reader, IPointwiseKernels pointwise)
    {
        _pointwise = pointwise;
        GateAndUp = reader.ReadProjection(
            config.HiddenSize,
            config.MlpBias,
            new ProjectionPart($"{prefix}gate_proj", config.IntermediateSize),
            new ProjectionPart($"{prefix}up_proj", config.IntermediateSize));
        Down = reader.ReadProjection(config.IntermediateSize, config.MlpBias, new ProjectionPart($"{prefix}down_proj", config.HiddenSize));
    }

    /// <summary>Gate stacked on up.</summary>
    public Projection GateAndUp { get; }

    /// <summary>Back to the residual stream.</summary>
    public Projection Down { get; }

    /// <param name="input">[tokens, hidden], model dtype, normed; borrowed.</param>
    /// <returns>[tokens, hidden], model dtype; the caller's dispose scope holds it.</returns>
    public Tensor Apply(Tensor input) => Down.Apply(_pointwise.SiluGate(GateAndUp.Apply(input)));

    public void Dispose()
    {
        GateAndUp.Dispose();
        Down.Dispose();
    }
}
