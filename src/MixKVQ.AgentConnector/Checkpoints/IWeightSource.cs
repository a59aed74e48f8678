using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Where a model's constructor takes its weights from.</summary>
internal interface IWeightSource
{
    /// <summary>Fills a tensor with the named weight, converted to the tensor's type and device.</summary>
    /// <param name="name">The weight's name in the checkpoint.</param>
    /// <param name="destination">The weight's shape, any float type and device, contiguous; borrowed and overwritten.</param>
    void Read(string name, torch.Tensor destination);
}
