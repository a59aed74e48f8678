using MixKVQ.AgentConnector.Checkpoints;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>The scratch memory of decode steps on a device, a row a conversation.</summary>
/// <param name="config">The model's shape.</param>
/// <param name="dtype">The model's type.</param>
/// <param name="device">Where it lies.</param>
internal sealed class DecodeRows(ModelConfig config, ScalarType dtype, Device device) : IDisposable
{
    /// <summary>[rows, hidden]: the residual stream.</summary>
    public TensorRows Hidden { get; } = new(config.HiddenSize, dtype, device);

    /// <summary>[rows, hidden].</summary>
    public TensorRows Normed { get; } = new(config.HiddenSize, dtype, device);

    /// <summary>[rows, queries, keys, values].</summary>
    public TensorRows Projected { get; } = new((config.QueryHeadCount + (2 * config.KeyValueHeadCount)) * config.HeadDim, dtype, device);

    /// <summary>[rows, queryHeads · headDim], float32: what attention reads.</summary>
    public TensorRows Queries { get; } = new(config.QueryHeadCount * config.HeadDim, ScalarType.Float32, device);

    /// <summary>[rows, queryHeads · headDim].</summary>
    public TensorRows Attended { get; } = new(config.QueryHeadCount * config.HeadDim, dtype, device);

    /// <summary>[rows, gate, up].</summary>
    public TensorRows GateAndUp { get; } = new(2 * config.IntermediateSize, dtype, device);

    /// <summary>[rows, intermediate].</summary>
    public TensorRows Inner { get; } = new(config.IntermediateSize, dtype, device);

    /// <summary>[rows, vocabulary].</summary>
    public TensorRows Logits { get; } = new(config.VocabularySize, dtype, device);

    /// <summary>Takes so many rows of each.</summary>
    public void Take(int count)
    {
        foreach (TensorRows rows in All)
        {
            rows.Take(count);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (TensorRows rows in All)
        {
            rows.Dispose();
        }
    }

    private TensorRows[] All => [Hidden, Normed, Projected, Queries, Attended, GateAndUp, Inner, Logits];
}
