using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>The tools that a request offers, as far as reading calls needs them. Immutable.</summary>
internal sealed class OfferedTools
{
    private readonly Dictionary<string, JsonObject?> _properties = new(StringComparer.Ordinal);

    /// <param name="definitions">The definitions of <see cref="ToolDefinitions"/>; null for none.</param>
    public OfferedTools(JsonArray? definitions)
    {
        foreach (JsonNode? definition in definitions ?? [])
        {
            JsonNode? function = definition!["function"];
            _properties[function!["name"]!.GetValue<string>()] = (function["parameters"] as JsonObject)?["properties"] as JsonObject;
        }
    }

    /// <summary>Nothing offered.</summary>
    public static OfferedTools None { get; } = new(null);

    /// <summary>Whether there is a tool of this name.</summary>
    public bool Has(string name) => _properties.ContainsKey(name);

    /// <summary>Whether a parameter takes text and nothing else, by the schema of its tool.</summary>
    public bool IsText(string tool, string parameter) =>
        _properties.GetValueOrDefault(tool)?[parameter] is JsonObject schema
        && schema["type"] is JsonValue type && type.TryGetValue(out string? name) && name == "string";
}
