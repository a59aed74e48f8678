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

    private KvCache Cache => cache;

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
    public long OwnBytes => cache.OwnBytes;

    /// <inheritdoc/>
    public IReadOnlyList<CachePart> Parts => cache.Parts;

    /// <inheritdoc/>
    public CacheImage Export() => cache.Export();

    /// <inheritdoc/>
    public void ShareParts(IConversationSequence other, int tokens) => cache.ShareParts(((ModelSequence)other).Cache, tokens);

    /// <inheritdoc/>
    public IConversationSequence Fork() => new ModelSequence(model, cache.Fork(), vocabularySize);

    /// <inheritdoc/>
    public int TruncateToPageBorder(int maxTokens) => cache.TruncateToPageBorder(maxTokens);

    /// <inheritdoc/>
    public void Dispose() => cache.Dispose();
}
