using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>What is logged of conversations. Never the content of a message.</summary>
internal static partial class ConversationLog
{
    /// <summary>A cache left memory.</summary>
    [LoggerMessage(20, LogLevel.Debug, "The cache of conversation {ConversationId}, {Tokens} tokens in {Bytes} bytes, leaves memory for {Place}.")]
    public static partial void Evicted(ILogger logger, string conversationId, int tokens, long bytes, string place);

    /// <summary>A cache came back.</summary>
    [LoggerMessage(21, LogLevel.Debug, "The cache of conversation {ConversationId}, {Tokens} tokens, came back from disk in {Milliseconds:F1} ms.")]
    public static partial void Restored(ILogger logger, string conversationId, int tokens, double milliseconds);

    /// <summary>A saved cache was refused.</summary>
    [LoggerMessage(22, LogLevel.Warning, "The saved cache of conversation {ConversationId} is not used, and its tokens are read anew: {Reason}")]
    public static partial void Refused(ILogger logger, string conversationId, string reason);

    /// <summary>A conversation could not be written.</summary>
    [LoggerMessage(23, LogLevel.Warning, "Conversation {ConversationId} could not be written to disk; it goes on in memory and ends with the process.")]
    public static partial void WriteFailed(ILogger logger, string conversationId, Exception exception);

    /// <summary>A conversation's file could not be deleted.</summary>
    [LoggerMessage(24, LogLevel.Warning, "The file of conversation {ConversationId} could not be deleted; that is tried again after each turn. A process that begins meanwhile finds it.")]
    public static partial void DeleteFailed(ILogger logger, string conversationId, Exception exception);

    /// <summary>A conversation is gone.</summary>
    [LoggerMessage(2, LogLevel.Information, "Released conversation {ConversationId} of {Tokens} tokens: {Reason}.")]
    public static partial void Dropped(ILogger logger, string conversationId, int tokens, DropReason reason);
}
