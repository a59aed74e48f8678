using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The small operations in Torch's own, for any device; the oracle of faster ones.</summary>
internal sealed class TorchPointwise : IPointwiseKernels
{
    /// <inheritdoc/>
    public Tensor RmsNorm(Tensor rows, Tensor weight, float epsilon)
    {
        using var scope = NewDisposeScope();
        return Normalize(rows.to(ScalarType.Float32), weight, epsilon).to(rows.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor NormAndRotate(Tensor heads, Tensor? weight, float epsilon, Tensor rotation)
    {
        using var scope = NewDisposeScope();
        Tensor values = heads.to(ScalarType.Float32);
        if (weight is not null)
        {
            values = Normalize(values, weight, epsilon);
        }

        long half = heads.shape[2] / 2;
        Tensor first = values.narrow(2, 0, half);
        Tensor second = values.narrow(2, half, half);
        Tensor byToken = rotation.unsqueeze(1);
        Tensor cosine = byToken.narrow(2, 0, half);
        Tensor sine = byToken.narrow(2, half, half);
        Tensor rotated = cat([(first * cosine) - (second * sine), (second * cosine).add(first * sine, Scalars.One)], 2);
        return rotated.to(heads.dtype).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor SiluGate(Tensor gateAndUp)
    {
        using var scope = NewDisposeScope();
        long width = gateAndUp.shape[1] / 2;
        Tensor values = gateAndUp.to(ScalarType.Float32);
        Tensor gated = nn.functional.silu(values.narrow(1, 0, width)) * values.narrow(1, width, width);
        return gated.to(gateAndUp.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Normalize(Tensor values, Tensor weight, float epsilon)
    {
        using Scalar added = epsilon;
        return values * (values * values).mean([-1L], keepdim: true).add(added).rsqrt() * weight;
    }
}
