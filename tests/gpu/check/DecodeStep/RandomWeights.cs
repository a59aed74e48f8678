using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck.DecodeStep;

/// <summary>Weights drawn where they are needed, so that the host never holds them: norms of one, matrices small enough that activations stay in range.</summary>
internal sealed class RandomWeights : IWeightSource
{
    private const double Spread = 0.02;

    /// <inheritdoc/>
    public void Read(string name, torch.Tensor destination)
    {
        if (destination.dim() == 1)
        {
            destination.fill_(1);
        }
        else
        {
            destination.normal_(0, Spread);
        }
    }
}
