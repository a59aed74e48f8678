using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>Reads the JSON of calls.</summary>
internal static class ToolCallJson
{
    /// <summary>
    /// Reads <c>{"name": …, "arguments": {…}}</c>. The arguments may be called parameters, may be JSON in a string and
    /// may be left out; name and arguments may stand in an object called function. False where the text is no such call.
    /// </summary>
    public static bool TryReadCall(string json, [NotNullWhen(true)] out string? name, [NotNullWhen(true)] out JsonObject? arguments)
    {
        (name, arguments) = (null, null);
        try
        {
            if (JsonNode.Parse(json) is not JsonObject root)
            {
                return false;
            }

            root = root["function"] as JsonObject ?? root;
            arguments = Arguments(root["arguments"] ?? root["parameters"]);
            return (root["name"] ?? root["function"]) is JsonValue value && value.TryGetValue(out name) && name.Length > 0 && arguments is not null;
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            return false;
        }
    }

    /// <summary>Reads arguments that stand alone. False where the text is no JSON object.</summary>
    public static bool TryReadArguments(string json, [NotNullWhen(true)] out JsonObject? arguments)
    {
        arguments = null;
        try
        {
            arguments = Arguments(JsonNode.Parse(json));
            return arguments is not null;
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            return false;
        }
    }

    /// <summary>The call; null where the arguments hold what no JSON may.</summary>
    public static ToolCall? ToCall(string id, string name, JsonObject arguments)
    {
        try
        {
            return new ToolCall(id, name, arguments);
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            return null;
        }
    }

    // InvalidOperationException: half of a surrogate pair; ArgumentException: a name that is there twice.
    private static bool IsMalformed(Exception exception) => exception is JsonException or InvalidOperationException or ArgumentException;

    private static JsonObject? Arguments(JsonNode? node) => node switch
    {
        null => [],
        JsonObject properties => properties.DeepClone().AsObject(),
        JsonValue value when value.TryGetValue(out string? text) => text.AsSpan().Trim().IsEmpty ? [] : JsonNode.Parse(text) as JsonObject,
        _ => null,
    };
}
