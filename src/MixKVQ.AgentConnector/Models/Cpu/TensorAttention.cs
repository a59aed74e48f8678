using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Calls a kernel that takes tensors.</summary>
internal sealed unsafe class TensorAttention(IAttentionKernel kernel) : IDecodeAttention
{
    /// <inheritdoc/>
    public void Attend(ReadOnlySpan<DecodeQuery> queries, float scale)
    {
        foreach (ref readonly DecodeQuery query in queries)
        {
            CacheGeometry geometry = query.View.Layout.Geometry;
            using Tensor tensor = TensorMemory.FromBlob((nint)query.Queries, [1, geometry.QueryHeadCount, geometry.HeadDim], ScalarType.Float32);
            using Tensor output = kernel.Attend(tensor, query.View, scale);
            new CpuRows(output).Read(0, new Span<float>(query.Output, geometry.QueryHeadCount * geometry.HeadDim));
            GC.KeepAlive(output);
        }
    }
}
