using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>A sequence that has all caches weighed when it begins and after every step.</summary>
internal sealed class SampledSequence : IConversationSequence
{
    private readonly IConversationSequence _inner;
    private readonly PeakBytes _peak;

    /// <param name="inner">The sequence, taken over.</param>
    /// <param name="peak">Weighs all caches.</param>
    public SampledSequence(IConversationSequence inner, PeakBytes peak)
    {
        (_inner, _peak) = (inner, peak);
        peak.Sample();
    }

    /// <inheritdoc/>
    public int VocabularySize => _inner.VocabularySize;

    /// <inheritdoc/>
    public int TokenCount => _inner.TokenCount;

    /// <inheritdoc/>
    public int TokensToPageBorder => _inner.TokensToPageBorder;

    /// <inheritdoc/>
    public CacheUsage Usage => _inner.Usage;

    /// <inheritdoc/>
    public long OwnBytes => _inner.OwnBytes;

    /// <inheritdoc/>
    public IReadOnlyList<CachePart> Parts => _inner.Parts;

    /// <inheritdoc/>
    public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
    {
        _inner.Append(tokens, lastLogits);
        _peak.Sample();
    }

    /// <inheritdoc/>
    public CacheImage Export() => _inner.Export();

    /// <inheritdoc/>
    public void ShareParts(IConversationSequence other, int tokens) => _inner.ShareParts(((SampledSequence)other)._inner, tokens);

    /// <inheritdoc/>
    public IConversationSequence Fork() => new SampledSequence(_inner.Fork(), _peak);

    /// <inheritdoc/>
    public int TruncateToPageBorder(int maxTokens) => _inner.TruncateToPageBorder(maxTokens);

    /// <inheritdoc/>
    public int AbandonStep(int maxTokens) => _inner.AbandonStep(maxTokens);

    /// <inheritdoc/>
    public void Dispose() => _inner.Dispose();
}
