using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>The schemas that must hold for a property or an item of a shape.</summary>
internal sealed class ShapeMembers(SchemaFaults faults)
{
    private const int MaxProperties = 1024;

    private const int MaxFirstItems = 1024;

    private readonly Dictionary<string, TextPattern?> _patterns = new(StringComparer.Ordinal);

    /// <summary>The names that the schemas mention, required ones among them.</summary>
    public IReadOnlyList<string> Names(Shape shape)
    {
        var names = new SortedSet<string>(shape.Required, StringComparer.Ordinal);
        foreach (SchemaNode schema in shape.Schemas)
        {
            foreach (JsonProperty property in Object(schema, "properties"))
            {
                names.Add(property.Name);
            }

            if (names.Count > MaxProperties)
            {
                throw new NotSupportedException($"{schema.PointerTo("properties")}: the JSON schema has an object of more than {MaxProperties} properties. Take a smaller one.");
            }
        }

        return [.. names];
    }

    /// <summary>The patterns of patternProperties, each once, with the pattern's text.</summary>
    public IReadOnlyList<(string Source, TextPattern Pattern)> Patterns(Shape shape)
    {
        var patterns = new Dictionary<string, TextPattern>(StringComparer.Ordinal);
        foreach (SchemaNode schema in shape.Schemas)
        {
            foreach (JsonProperty property in Object(schema, "patternProperties"))
            {
                if (Pattern(schema, property.Name) is { } pattern)
                {
                    patterns[property.Name] = pattern;
                }
            }
        }

        return [.. patterns.Select(pair => (pair.Key, pair.Value))];
    }

    /// <summary>The schemas of one property.</summary>
    public IReadOnlyList<SchemaNode> OfProperty(Shape shape, string name) =>
        Of(shape, name, (schema, source) => Pattern(schema, source)?.IsMatch(name) == true);

    /// <summary>The schemas of properties whose names only one pattern takes.</summary>
    public IReadOnlyList<SchemaNode> OfPattern(Shape shape, string pattern) => Of(shape, null, (_, source) => source == pattern);

    /// <summary>The schemas of properties that no name and no pattern mentions.</summary>
    public IReadOnlyList<SchemaNode> OfOthers(Shape shape) => Of(shape, null, (_, _) => false);

    /// <summary>Whether names may come that no schema mentions: where one says so, or none mentions any name.</summary>
    public static bool HasOthers(Shape shape)
    {
        bool isMentioned = false;
        bool isAllowed = false;
        foreach (SchemaNode schema in shape.Schemas)
        {
            isMentioned |= schema.TryGet("properties", out _) || schema.TryGet("patternProperties", out _);
            isAllowed |= schema.TryGet("additionalProperties", out _);
        }

        return isAllowed || !isMentioned;
    }

    /// <summary>How many items have schemas by position.</summary>
    public static int FirstItems(Shape shape)
    {
        int count = 0;
        foreach (SchemaNode schema in shape.Schemas)
        {
            count = Math.Max(count, Prefix(schema)?.Element.GetArrayLength() ?? 0);
        }

        return count <= MaxFirstItems ? count : throw new NotSupportedException($"The JSON schema has an array of more than {MaxFirstItems} items with schemas of their own. Take a smaller one.");
    }

    /// <summary>The schemas of the item at a position.</summary>
    public IReadOnlyList<SchemaNode> OfItem(Shape shape, int index)
    {
        var schemas = new List<SchemaNode>();
        foreach (SchemaNode schema in shape.Schemas)
        {
            SchemaNode? prefix = Prefix(schema);
            int count = prefix?.Element.GetArrayLength() ?? 0;
            if (index < count)
            {
                Add(prefix!.Child($"{index}", prefix.Element[index]), schemas);
            }
            else if (schema.TryGet("items", out JsonElement items) && items.ValueKind != JsonValueKind.Array)
            {
                Add(schema.Child("items", items), schemas);
            }
            else if (prefix is not null && prefix.Pointer == schema.PointerTo("items") && schema.TryGet("additionalItems", out JsonElement others))
            {
                Add(schema.Child("additionalItems", others), schemas);
            }
        }

        return schemas;
    }

    /// <summary>The schemas of the names themselves.</summary>
    public IReadOnlyList<SchemaNode> OfNames(Shape shape)
    {
        var schemas = new List<SchemaNode>();
        foreach (SchemaNode schema in shape.Schemas)
        {
            if (schema.TryGet("propertyNames", out JsonElement names))
            {
                Add(schema.Child("propertyNames", names), schemas);
            }
        }

        return schemas;
    }

    private List<SchemaNode> Of(Shape shape, string? name, Func<SchemaNode, string, bool> takes)
    {
        var schemas = new List<SchemaNode>();
        foreach (SchemaNode schema in shape.Schemas)
        {
            bool isMentioned = false;
            if (name is not null && schema.TryGet("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object &&
                properties.TryGetProperty(name, out JsonElement own))
            {
                isMentioned = true;
                Add(new SchemaNode(schema.Child("properties", properties).PointerTo(name), own), schemas);
            }

            foreach (JsonProperty pattern in Object(schema, "patternProperties"))
            {
                if (takes(schema, pattern.Name))
                {
                    isMentioned = true;
                    Add(schema.Child("patternProperties", default).Child(pattern.Name, pattern.Value), schemas);
                }
            }

            if (!isMentioned && schema.TryGet("additionalProperties", out JsonElement others))
            {
                Add(schema.Child("additionalProperties", others), schemas);
            }
        }

        return schemas;
    }

    private void Add(SchemaNode schema, List<SchemaNode> schemas)
    {
        if (schema.Element.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False)
        {
            schemas.Add(schema);
        }
        else
        {
            faults.Add(schema.Pointer, $"a schema is an object, true or false, not {schema.Element.ValueKind}.");
        }
    }

    private TextPattern? Pattern(SchemaNode schema, string source)
    {
        if (!_patterns.TryGetValue(source, out TextPattern? pattern))
        {
            try
            {
                pattern = TextPattern.Compile(source);
            }
            catch (Exception fault) when (fault is NotSupportedException or FormatException)
            {
                faults.Add(schema.Child("patternProperties", default).PointerTo(source), fault.Message);
            }

            _patterns.Add(source, pattern);
        }

        return pattern;
    }

    private JsonElement.ObjectEnumerator Object(SchemaNode schema, string keyword)
    {
        if (!schema.TryGet(keyword, out JsonElement value))
        {
            return default;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            faults.Add(schema.PointerTo(keyword), "it must be an object of schemas.");
            return default;
        }

        return value.EnumerateObject();
    }

    /// <summary>The schemas by position: prefixItems, or items in its older form.</summary>
    private static SchemaNode? Prefix(SchemaNode schema)
    {
        foreach (string keyword in (ReadOnlySpan<string>)["prefixItems", "items"])
        {
            if (schema.TryGet(keyword, out JsonElement list) && list.ValueKind == JsonValueKind.Array)
            {
                return schema.Child(keyword, list);
            }
        }

        return null;
    }
}
