using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Hears what becomes of conversations: logs it, counts it, and remembers which files are to be deleted. Thread-safe; takes no lock of its own.</summary>
/// <param name="logger">Where to log.</param>
/// <param name="meter">Where to count.</param>
internal sealed class ConversationEvents(ILogger logger, ConversationMeter meter)
{
    private readonly ConcurrentQueue<string> _dropped = new();

    /// <summary>The cache of a conversation is about to leave memory.</summary>
    public void Evicted(Conversation conversation)
    {
        meter.CountEviction(toDisk: conversation.State.File is not null);
        ConversationLog.Evicted(logger, conversation.Id, conversation.State.CachedTokens, conversation.State.Usage.TotalBytes, conversation.State.File is null ? "nowhere; its tokens are kept and read again" : "disk");
    }

    /// <summary>A cache came back from disk.</summary>
    public void Restored(string id, int tokens, TimeSpan took)
    {
        meter.CountRestore(isRefused: false);
        ConversationLog.Restored(logger, id, tokens, took.TotalMilliseconds);
    }

    /// <summary>A saved cache was refused, or could not be read.</summary>
    public void Refused(string id, string reason)
    {
        meter.CountRestore(isRefused: true);
        ConversationLog.Refused(logger, id, reason);
    }

    /// <summary>A conversation could not be written.</summary>
    public void WriteFailed(string id, Exception reason) => ConversationLog.WriteFailed(logger, id, reason);

    /// <summary>A conversation's file could not be deleted.</summary>
    public void DeleteFailed(string id, Exception reason) => ConversationLog.DeleteFailed(logger, id, reason);

    /// <summary>A conversation was forked.</summary>
    public void Forked() => meter.CountFork();

    /// <summary>A conversation is no longer known.</summary>
    public void Dropped(Conversation conversation, DropReason reason)
    {
        ConversationLog.Dropped(logger, conversation.Id, conversation.State.Tokens.Count, reason);
        _dropped.Enqueue(conversation.Id);
    }

    /// <summary>The ids of conversations dropped since the last call, whose files are to be deleted.</summary>
    public IEnumerable<string> TakeDropped()
    {
        while (_dropped.TryDequeue(out string? id))
        {
            yield return id;
        }
    }
}
