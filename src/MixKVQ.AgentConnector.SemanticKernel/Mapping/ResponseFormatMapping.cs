using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>The forms in which Semantic Kernel's callers ask for a response format.</summary>
internal static class ResponseFormatMapping
{
    private const string Text = "text";
    private const string JsonObject = "json_object";
    private const string JsonSchema = "json_schema";

    /// <summary>
    /// The format as <c>"text"</c>, <c>"json_object"</c> or the <see cref="JsonElement"/> of a JSON schema: what JSON can
    /// hold. Of the object that OpenAI's protocol wraps a format in, the format itself.
    /// </summary>
    /// <exception cref="ArgumentException">The format is none of these; what it is, is named.</exception>
    public static object? Normalize(object? format)
    {
        switch (format)
        {
            case null:
            case Text or JsonObject:
                return format;
            case ChatResponseFormatText:
                return Text;
            case ChatResponseFormatJson json:
                return json.Schema is { } given ? given.Clone() : JsonObject;
            case Type type:
                return ChatResponseFormat.ForJsonSchema(type).Schema!.Value;
            case JsonElement { ValueKind: JsonValueKind.String } name:
                return Normalize(name.GetString());
            case JsonElement { ValueKind: JsonValueKind.Object } element:
                return element.TryGetProperty("type", out JsonElement kind) && kind.ValueKind == JsonValueKind.String
                    ? kind.GetString() switch
                    {
                        Text => Text,
                        JsonObject => JsonObject,
                        JsonSchema => Unwrap(element),
                        _ => element.Clone(),
                    }
                    : element.Clone();
            default:
                throw new ArgumentException($"The execution setting response_format is '{format}'; known are '{Text}', '{JsonObject}', a JSON schema (JsonElement), a Type and a ChatResponseFormat.", nameof(format));
        }
    }

    /// <summary>The chat options' form of a normalized format; null for null.</summary>
    public static ChatResponseFormat? ToChatResponseFormat(object? normalized) => normalized switch
    {
        null => null,
        Text => ChatResponseFormat.Text,
        JsonObject => ChatResponseFormat.Json,
        var schema => ChatResponseFormat.ForJsonSchema((JsonElement)schema),
    };

    private static JsonElement Unwrap(JsonElement wrapper) =>
        wrapper.TryGetProperty(JsonSchema, out JsonElement inner) && inner.ValueKind == JsonValueKind.Object
            && inner.TryGetProperty("schema", out JsonElement schema) && schema.ValueKind == JsonValueKind.Object
            ? schema.Clone()
            : throw new ArgumentException($"The execution setting response_format is of type '{JsonSchema}' and has no object at {JsonSchema}.schema.", nameof(wrapper));
}
