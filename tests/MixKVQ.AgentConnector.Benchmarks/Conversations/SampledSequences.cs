using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Makes <see cref="SampledSequence"/>s.</summary>
/// <param name="inner">Makes the sequences within them.</param>
/// <param name="peak">Weighs all caches.</param>
internal sealed class SampledSequences(ISequenceFactory inner, PeakBytes peak) : ISequenceFactory
{
    /// <inheritdoc/>
    public ModelSignature Signature => inner.Signature;

    /// <inheritdoc/>
    public long HeldBytes => inner.HeldBytes;

    /// <inheritdoc/>
    public void Trim() => inner.Trim();

    /// <inheritdoc/>
    public IConversationSequence Create() => new SampledSequence(inner.Create(), peak);

    /// <inheritdoc/>
    public long BytesToHold(int sharedTokens, int tokens) => inner.BytesToHold(sharedTokens, tokens);

    /// <inheritdoc/>
    public Page ReadPage(ReadOnlySpan<byte> slab)
    {
        Page page = inner.ReadPage(slab);
        peak.Sample();
        return page;
    }

    /// <inheritdoc/>
    public IConversationSequence Import(CacheImage image) => new SampledSequence(inner.Import(image), peak);
}
