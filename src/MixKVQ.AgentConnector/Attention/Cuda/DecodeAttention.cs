using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native.Cuda;
namespace MixKVQ.AgentConnector.Attention.Cuda;
#pragma warning disable
internal sealed class DecodeAttention(IKernelDevice device, PackedPageLayout layout)
{
    public void Attend(nint sequences, int count, int maxPageCount, nint queries, long queryStride, nint output, int layer, float scale) => throw new NotImplementedException();
}
