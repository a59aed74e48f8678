using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.SemanticKernel;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>A function's result as the model reads it.</summary>
internal static class FunctionResultText
{
    /// <summary>Compact, and without the escapes that only HTML needs.</summary>
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Text as it is, messages as what they say, anything else as compact JSON; nothing for null.</summary>
    /// <exception cref="NotSupportedException">The result cannot be written as JSON.</exception>
    public static string Of(object? result) => result switch
    {
        null => string.Empty,
        string text => text,
        FunctionResult inner => Of(inner.GetValue<object>()),
        ChatMessageContent message => message.ToString(),
        IEnumerable<ChatMessageContent> messages => string.Join(",", messages),
        _ => JsonSerializer.Serialize(result, Json),
    };
}
