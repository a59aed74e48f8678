using MixKVQ.AgentConnector.Cache;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention;

/// <summary>Causal grouped-query attention over one layer's cache. One thread at a time: a kernel may hold scratch memory.</summary>
internal interface IAttentionKernel
{
    /// <summary>softmax(Q·Kᵀ·scale)·V.</summary>
    /// <param name="queries">[tokens, queryHeads, headDim], post-RoPE: the last <c>tokens</c> positions of the view; borrowed.</param>
    /// <param name="view">The layer's history, these tokens included.</param>
    /// <param name="scale">What logits are multiplied by, as a rule 1/√headDim.</param>
    /// <returns>[tokens, queryHeads, headDim], dtype and device of the queries; the caller's to dispose.</returns>
    Tensor Attend(Tensor queries, CacheView view, float scale);
}
