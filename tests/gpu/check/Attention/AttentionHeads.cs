using MixKVQ.AgentConnector.Cache;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck.Attention;

/// <summary>The heads of a model.</summary>
/// <param name="QueryHeads">Query heads.</param>
/// <param name="KeyValueHeads">KV heads.</param>
/// <param name="HeadDim">Channels of a head.</param>
internal sealed record AttentionHeads(int QueryHeads, int KeyValueHeads, int HeadDim)
{
    /// <summary>How tables call it.</summary>
    public string Name => $"{QueryHeads}/{KeyValueHeads}/{HeadDim}";

    /// <summary>A cache of these heads in bf16.</summary>
    /// <param name="layers">Layers.</param>
    /// <param name="device">Where.</param>
    public CacheGeometry Geometry(int layers, torch.Device device) => new(layers, QueryHeads, KeyValueHeads, HeadDim, torch.ScalarType.BFloat16, device, null);
}
