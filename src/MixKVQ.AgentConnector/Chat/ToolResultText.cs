using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>The text that a tool's result becomes in the prompt.</summary>
internal static class ToolResultText
{
    private static readonly JsonSerializerOptions OneLine = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>Text as it is, text contents joined, and anything else as JSON.</summary>
    /// <exception cref="NotSupportedException">The result holds content other than text.</exception>
    public static string Of(FunctionResultContent result) => result.Result switch
    {
        null when result.Exception is { } failure => $"Error: {failure.Message}",
        null => "null",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        AIContent content => TextOf(content),
        IEnumerable<AIContent> contents => string.Concat(contents.Select(TextOf)),
        { } other => JsonSerializer.Serialize(other, OneLine.GetTypeInfo(typeof(object))),
    };

    private static string TextOf(AIContent content) => content is TextContent text
        ? text.Text
        : throw new NotSupportedException($"A tool result holds {content.GetType().Name}; this model reads text only.");
}
