using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Models;

/// <summary>One forward pass over the next tokens of one conversation.</summary>
/// <param name="TokenIds">
/// At least one, at most <see cref="KvCache.TokensToPageBorder"/>; their positions continue at <see cref="KvCache.TokenCount"/>.
/// </param>
/// <param name="Cache">The conversation's cache; the pass appends to it and completes the step.</param>
/// <param name="AllLogits">Whether logits of every token are wanted, not of the last alone.</param>
internal sealed record ForwardStep(ReadOnlyMemory<int> TokenIds, KvCache Cache, bool AllLogits = false);
