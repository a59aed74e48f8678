using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Sinks or tail of one layer, as kernels see them.</summary>
/// <param name="Keys">[kvHeads, capacity, headDim], model dtype, contiguous; owned by the cache, not to be changed or disposed.</param>
/// <param name="Values">Like <paramref name="Keys"/>.</param>
/// <param name="Count">Rows in use, from the first.</param>
internal readonly record struct DensePart(Tensor Keys, Tensor Values, int Count);
