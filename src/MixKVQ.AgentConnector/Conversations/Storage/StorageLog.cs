using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>What a folder of conversations logs.</summary>
internal static partial class StorageLog
{
    /// <summary>A conversation's file was set aside.</summary>
    [LoggerMessage(30, LogLevel.Warning, "Set a saved conversation aside in the folder 'refused'. {Reason}")]
    public static partial void SetAside(ILogger logger, string reason);

    /// <summary>A conversation's cache cannot be used.</summary>
    [LoggerMessage(31, LogLevel.Warning, "The saved cache of conversation {ConversationId} is lost; its next turn reads all tokens again. {Reason}")]
    public static partial void CacheLost(ILogger logger, string conversationId, string reason);

    /// <summary>A conversation was deleted to keep the limit.</summary>
    [LoggerMessage(32, LogLevel.Information, "Deleted the saved conversation {ConversationId}: the folder holds more than {LimitBytes} bytes, and others were used after it.")]
    public static partial void Evicted(ILogger logger, string conversationId, long limitBytes);

    /// <summary>The folder holds more than its limit.</summary>
    [LoggerMessage(33, LogLevel.Warning, "The folder of saved conversations holds more than its limit, and what should go cannot be deleted. {Reason}")]
    public static partial void LimitNotKept(ILogger logger, string reason);
}
