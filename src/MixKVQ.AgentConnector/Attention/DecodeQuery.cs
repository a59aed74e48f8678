using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Attention;

/// <summary>The queries of one conversation's one new token in one layer, on the CPU. Borrowed, all of it.</summary>
/// <param name="view">The layer's history, this token included.</param>
/// <param name="queries">[queryHeads, headDim], float32, post-RoPE, contiguous.</param>
/// <param name="output">[queryHeads, headDim], float32, contiguous; overwritten.</param>
internal readonly unsafe struct DecodeQuery(CacheView view, float* queries, float* output)
{
    public readonly CacheView View = view;
    public readonly float* Queries = queries;
    public readonly float* Output = output;
}
