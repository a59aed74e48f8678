using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>What the client logs. Never the content of a message.</summary>
internal static partial class ChatLog
{
    /// <summary>A turn ended.</summary>
    public static void TurnDone(ILogger logger, string conversationId, TurnReport report, ChatFinishReason reason) => TurnDone(
        logger,
        conversationId,
        report.PromptTokens,
        report.CachedTokens,
        report.PrefilledTokens,
        report.OutputTokens,
        report.TokensPerSecond,
        report.Cache.TotalBytes,
        report.Cache.BitsPerElement,
        report.Cache.FullPrecisionBytes,
        reason.Value);

    /// <summary>A tool's arguments are free JSON.</summary>
    [LoggerMessage(4, LogLevel.Warning, "The arguments of the tool {Tool} are held to a JSON object, not to their schema. {Reason}")]
    public static partial void ArgumentsNotConstrained(ILogger logger, string tool, string reason);

    /// <summary>A dialogue no longer fitted the context.</summary>
    [LoggerMessage(
        5,
        LogLevel.Information,
        "The context of {ContextLength} tokens is full: the {DroppedMessages} oldest messages after the instructions are left out, and the prompt has {PromptTokens} tokens.")]
    public static partial void MessagesDropped(ILogger logger, int contextLength, int droppedMessages, int promptTokens);

    /// <summary>An answer was not read again without its thoughts; the next turn does it.</summary>
    [LoggerMessage(6, LogLevel.Warning, "The last answer of {ConversationId} could not be read again without its thoughts while the client was idle; the next turn reads it.")]
    public static partial void IdlePrefillFailed(ILogger logger, string conversationId, Exception exception);

    [LoggerMessage(
        1,
        LogLevel.Debug,
        "Turn of {ConversationId}: {PromptTokens} tokens in, {CachedTokens} of them cached, {PrefilledTokens} prefilled, {OutputTokens} generated at {TokensPerSecond:F1} a second; "
        + "cache {CacheBytes} bytes, {BitsPerElement:F2} bits an element, {FullPrecisionBytes} bytes in full precision; ended by {Reason}.")]
    private static partial void TurnDone(
        ILogger logger,
        string conversationId,
        int promptTokens,
        int cachedTokens,
        int prefilledTokens,
        int outputTokens,
        double tokensPerSecond,
        long cacheBytes,
        double bitsPerElement,
        long fullPrecisionBytes,
        string reason);
}
