using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Benchmarks.Thoughts;

/// <summary>Makes sequences that say what a script says.</summary>
internal sealed class FixedAnswerSequences(ISequenceFactory inner, Queue<int> script) : ISequenceFactory
{
    public ModelSignature Signature => inner.Signature;

    public long HeldBytes => inner.HeldBytes;

    public void Trim() => inner.Trim();

    public IConversationSequence Create() => new FixedAnswerSequence(inner.Create(), script);

    public long BytesToHold(int sharedTokens, int tokens) => inner.BytesToHold(sharedTokens, tokens);

    public Page ReadPage(ReadOnlySpan<byte> slab) => inner.ReadPage(slab);

    public IConversationSequence Import(CacheImage image) => new FixedAnswerSequence(inner.Import(image), script);
}
