using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>A function's result as the model reads it.</summary>
internal static class FunctionResultText
{
    /// <summary>Compact, and without the escapes that only HTML needs.</summary>
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Text as it is, messages and text contents as what they say, anything else as compact JSON; nothing for null.</summary>
    /// <exception cref="NotSupportedException">The result cannot be written as JSON, or is content other than text.</exception>
    public static string Of(object? result) => result switch
    {
        null => string.Empty,
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        AIContent content => TextOf(content),
        IEnumerable<AIContent> contents => string.Concat(contents.Select(TextOf)),
        FunctionResult inner => Of(inner.GetValue<object>()),
        ChatMessageContent message => message.ToString(),
        IEnumerable<ChatMessageContent> messages => string.Join(",", messages),
        _ => JsonSerializer.Serialize(result, Json),
    };

    private static string TextOf(AIContent content) => content is Microsoft.Extensions.AI.TextContent text
        ? text.Text
        : throw new NotSupportedException($"A function's result holds {content.GetType().Name}; this model reads text only.");
}
