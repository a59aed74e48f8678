using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Models;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>A decoder's sequence that owns its cache.</summary>
/// <param name="model">Borrowed.</param>
/// <param name="cache">Owned.</param>
/// <param name="vocabularySize">The tokenizer's.</param>
internal sealed class ModelSequence(DecoderModel model, KvCache cache, int vocabularySize) : IConversationSequence
{
    private readonly DecoderSequence _steps = new(model, cache, vocabularySize);

    /// <inheritdoc/>
    public int VocabularySize => vocabularySize;

    /// <inheritdoc/>
    public int TokenCount => cache.TokenCount;

    /// <inheritdoc/>
    public int TokensToPageBorder => cache.TokensToPageBorder;

    /// <inheritdoc/>
    public CacheUsage Usage => cache.Usage;

    /// <inheritdoc/>
    public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits) => _steps.Append(tokens, lastLogits);

    /// <inheritdoc/>
    public IConversationSequence Fork() => new ModelSequence(model, cache.Fork(), vocabularySize);

    /// <inheritdoc/>
    public int PageBorder(int tokens) => tokens < CacheGeometry.SinkTokens
        ? 0
        : CacheGeometry.SinkTokens + (tokens - CacheGeometry.SinkTokens) / CacheGeometry.PageTokens * CacheGeometry.PageTokens;

    /// <inheritdoc/>
    public int TruncateToPageBorder(int maxTokens) => cache.TruncateToPageBorder(maxTokens);

    /// <inheritdoc/>
    public void Dispose() => cache.Dispose();
}
