using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Models;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>A decoder's sequence that owns its cache.</summary>
/// <param name="model">Borrowed.</param>
/// <param name="cache">Owned.</param>
/// <param name="vocabularySize">The tokenizer's.</param>
/// <param name="batch">The model's, borrowed.</param>
internal sealed class ModelSequence(DecoderModel model, KvCache cache, int vocabularySize, DecoderBatch batch)
    : DecoderSequence(model, cache, vocabularySize, batch), IConversationSequence
{
    private readonly DecoderModel _model = model;
    private readonly DecoderBatch _batch = batch;

    /// <inheritdoc/>
    public CacheUsage Usage => Cache.Usage;

    /// <inheritdoc/>
    public long OwnBytes => Cache.OwnBytes;

    /// <inheritdoc/>
    public IReadOnlyList<CachePart> Parts => Cache.Parts;

    /// <inheritdoc/>
    public CacheImage Export() => Cache.Export();

    /// <inheritdoc/>
    public void ShareParts(IConversationSequence other, int tokens) => Cache.ShareParts(((ModelSequence)other).Cache, tokens);

    /// <inheritdoc/>
    public IConversationSequence Fork() => new ModelSequence(_model, Cache.Fork(), VocabularySize, _batch);

    /// <inheritdoc/>
    public int TruncateToPageBorder(int maxTokens) => Cache.TruncateToPageBorder(maxTokens);

    /// <inheritdoc/>
    public void Dispose() => Cache.Dispose();
}
