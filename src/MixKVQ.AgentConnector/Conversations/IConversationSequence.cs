using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>A sequence that conversations keep: it can be forked and cut back. Not thread-safe; forks are independent.</summary>
internal interface IConversationSequence : IModelSequence, IDisposable
{
    /// <summary>The bytes of its cache.</summary>
    CacheUsage Usage { get; }

    /// <summary>A sequence of the same content that goes its own way; the caller owns it. Does not change this one.</summary>
    IConversationSequence Fork();

    /// <summary>The highest page border that is not above <paramref name="tokens"/>. Reads no content: thread-safe.</summary>
    int PageBorder(int tokens);

    /// <summary>Drops everything after the highest page border that is not above <paramref name="maxTokens"/>; returns what remains.</summary>
    int TruncateToPageBorder(int maxTokens);
}
