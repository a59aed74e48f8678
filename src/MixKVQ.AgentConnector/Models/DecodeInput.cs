using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Models;

/// <summary>The next token of one conversation of a batch.</summary>
/// <param name="TokenId">Its position continues at <see cref="KvCache.TokenCount"/>.</param>
/// <param name="Cache">The conversation's cache, in one input of a batch only; the pass appends to it and completes the step.</param>
/// <param name="Logits">Receives the logits of as many first ids as it has room for, at most the vocabulary; empty where none are wanted.</param>
internal readonly record struct DecodeInput(int TokenId, KvCache Cache, Memory<float> Logits);
