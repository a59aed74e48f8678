using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Benchmarks.Thoughts;

/// <summary>A sequence whose logits choose the next token of a script, once they are computed.</summary>
internal sealed class FixedAnswerSequence(IConversationSequence inner, Queue<int> script) : IConversationSequence
{
    private readonly IConversationSequence _inner = inner;

    public int VocabularySize => _inner.VocabularySize;

    public int TokenCount => _inner.TokenCount;

    public int TokensToPageBorder => _inner.TokensToPageBorder;

    public CacheUsage Usage => _inner.Usage;

    public long OwnBytes => _inner.OwnBytes;

    public IReadOnlyList<CachePart> Parts => _inner.Parts;

    public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
    {
        _inner.Append(tokens, lastLogits);
        if (!lastLogits.IsEmpty)
        {
            lastLogits.Clear();
            lastLogits[script.Dequeue()] = 1;
        }
    }

    public CacheImage Export() => _inner.Export();

    public void ShareParts(IConversationSequence other, int tokens) => _inner.ShareParts(((FixedAnswerSequence)other)._inner, tokens);

    public IConversationSequence Fork() => new FixedAnswerSequence(_inner.Fork(), script);

    public int TruncateToPageBorder(int maxTokens) => _inner.TruncateToPageBorder(maxTokens);

    public int AbandonStep(int maxTokens) => _inner.AbandonStep(maxTokens);

    public void Dispose() => _inner.Dispose();
}
