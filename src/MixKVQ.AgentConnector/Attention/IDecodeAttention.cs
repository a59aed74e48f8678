namespace MixKVQ.AgentConnector.Attention;

/// <summary>Attention of one new token of each of several conversations, on the CPU. One caller at a time.</summary>
internal interface IDecodeAttention
{
    /// <summary>softmax(Q·Kᵀ·scale)·V of each.</summary>
    /// <param name="queries">The queries, of one layer.</param>
    /// <param name="scale">What logits are multiplied by, as a rule 1/√headDim.</param>
    void Attend(ReadOnlySpan<DecodeQuery> queries, float scale);
}
