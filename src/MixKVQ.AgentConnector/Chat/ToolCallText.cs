using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Reads what stands between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c> in the Qwen/Hermes format.</summary>
internal static class ToolCallText
{
    /// <summary>
    /// The call that <paramref name="body"/> spells, <c>{"name": …, "arguments": {…}}</c>, with an id of its own; null
    /// where the text is not such a call. A call without arguments may leave them out.
    /// </summary>
    public static ToolCall? Parse(string body)
    {
        try
        {
            if (JsonNode.Parse(body) is not JsonObject root
                || root["name"] is not JsonValue name
                || !name.TryGetValue(out string? functionName)
                || functionName.Length == 0)
            {
                return null;
            }

            JsonNode? arguments = root["arguments"];
            if (arguments is not (null or JsonObject))
            {
                return null;
            }

            return new ToolCall($"call_{Guid.NewGuid():N}", functionName, arguments?.DeepClone().AsObject() ?? []);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or ArgumentException)
        {
            // InvalidOperationException: half of a surrogate pair; ArgumentException: a name that is there twice.
            return null;
        }
    }
}
