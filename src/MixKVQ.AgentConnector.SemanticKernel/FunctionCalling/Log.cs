using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>What the tool loop reports. Arguments and results are the caller's data and stay out.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "Request {RequestIndex}: {MessageCount} messages, {FunctionCount} functions")]
    public static partial void Asking(this ILogger logger, int requestIndex, int messageCount, int functionCount);

    [LoggerMessage(2, LogLevel.Debug, "Function {Name} returned {Length} characters")]
    public static partial void Invoked(this ILogger logger, string name, int length);

    [LoggerMessage(3, LogLevel.Warning, "Function {Name} failed; the model is told")]
    public static partial void InvocationFailed(this ILogger logger, Exception fault, string name);

    [LoggerMessage(4, LogLevel.Warning, "Call of {Name} not invoked; the model is told: {Reason}")]
    public static partial void CallRefused(this ILogger logger, string name, string reason);

    [LoggerMessage(5, LogLevel.Warning, "Calls of request {RequestIndex} at depth {Depth} are left to the caller: too many requests, or too deep")]
    public static partial void LoopEnded(this ILogger logger, int requestIndex, int depth);
}
