using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>Turns JSON into template values.</summary>
internal static class JsonValues
{
    /// <summary>The value of a JSON node, with keys in their order and numbers as they were written.</summary>
    /// <exception cref="TemplateException">The JSON is nested too deep, repeats a key or holds half a surrogate pair.</exception>
    public static TemplateValue From(JsonNode? node)
    {
        try
        {
            return From(node, 0);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or JsonException)
        {
            throw new TemplateException(0, $"the input is not sound JSON: {e.Message}");
        }
    }

    private static TemplateValue From(JsonNode? node, int depth)
    {
        if (depth > TemplateLimits.MaxValueDepth)
        {
            throw new TemplateException(0, $"the input is nested more than {TemplateLimits.MaxValueDepth} deep");
        }

        switch (node)
        {
            case null:
                return NoneValue.Instance;
            case JsonArray array:
                return new ListValue([.. array.Select(item => From(item, depth + 1))]);
            case JsonObject map:
                var entries = new OrderedDictionary<string, TemplateValue>(map.Count, StringComparer.Ordinal);
                foreach ((string key, JsonNode? value) in map)
                {
                    entries[key] = From(value, depth + 1);
                }

                return new MapValue(entries);
            default:
                return FromScalar(node.AsValue());
        }
    }

    private static TemplateValue FromScalar(JsonValue value) => value.GetValueKind() switch
    {
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Number => NumberValue.FromJson(value.ToJsonString()),
        JsonValueKind.String => new StringValue(value.TryGetValue(out string? text) ? text : JsonNode.Parse(value.ToJsonString())!.GetValue<string>()),
        JsonValueKind.Null => NoneValue.Instance,
        // A CLR object wrapped as a JSON value: read what it serializes to.
        _ => From(JsonNode.Parse(value.ToJsonString()), 0),
    };
}
