using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Patterns;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>Reads the keywords of schemas that must all hold into one <see cref="Shape"/>, and refuses those it cannot keep.</summary>
internal sealed class ShapeReader(SchemaFaults faults)
{
    /// <summary>Keywords that restrict values and are not supported. Keywords that JSON Schema does not know say nothing.</summary>
    private static readonly string[] Refused =
    [
        "not", "if", "then", "else", "contains", "minContains", "maxContains", "dependentRequired", "dependentSchemas", "dependencies",
        "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "propertyDependencies", "extends", "disallow", "divisibleBy",
    ];

    private static readonly Dictionary<string, ValueKinds> KindsOfKeywords = new(StringComparer.Ordinal)
    {
        ["properties"] = ValueKinds.Object,
        ["required"] = ValueKinds.Object,
        ["additionalProperties"] = ValueKinds.Object,
        ["patternProperties"] = ValueKinds.Object,
        ["propertyNames"] = ValueKinds.Object,
        ["minProperties"] = ValueKinds.Object,
        ["maxProperties"] = ValueKinds.Object,
        ["items"] = ValueKinds.Array,
        ["prefixItems"] = ValueKinds.Array,
        ["minItems"] = ValueKinds.Array,
        ["maxItems"] = ValueKinds.Array,
        ["uniqueItems"] = ValueKinds.Array,
        ["minLength"] = ValueKinds.String,
        ["maxLength"] = ValueKinds.String,
        ["pattern"] = ValueKinds.String,
        ["minimum"] = ValueKinds.Number,
        ["maximum"] = ValueKinds.Number,
        ["exclusiveMinimum"] = ValueKinds.Number,
        ["exclusiveMaximum"] = ValueKinds.Number,
        ["multipleOf"] = ValueKinds.Number,
    };

    /// <summary>What .NET's schema exporter writes for a TimeSpan. It takes hours, minutes and seconds that no clock shows.</summary>
    private const string TimeSpanPattern = @"^-?(\d+\.)?\d{2}:\d{2}:\d{2}(\.\d{1,7})?$";

    private const string StrictTimeSpanPattern = @"^-?(\d{1,7}\.)?([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,7})?$";

    private readonly Dictionary<string, TextPattern?> _patterns = new(StringComparer.Ordinal);

    public Shape Read(IReadOnlyList<SchemaNode> schemas)
    {
        var shape = new Shape { Schemas = schemas };
        var implied = ValueKinds.None;
        bool isTyped = false;
        foreach (SchemaNode schema in schemas)
        {
            foreach (JsonProperty keyword in schema.Element.EnumerateObject())
            {
                if (Array.IndexOf(Refused, keyword.Name) >= 0)
                {
                    faults.Add(schema.PointerTo(keyword.Name), $"'{keyword.Name}' is not supported.");
                }

                implied |= KindsOfKeywords.GetValueOrDefault(keyword.Name);
                isTyped |= keyword.Name is "type" or "enum" or "const";
            }

            ReadType(schema, shape);
            ReadValues(schema, shape);
            ReadText(schema, shape);
            ReadNumber(schema, shape);
            ReadContainers(schema, shape);
        }

        if (!isTyped && implied != ValueKinds.None)
        {
            shape.Kinds &= implied;
        }

        return shape;
    }

    private void ReadType(SchemaNode schema, Shape shape)
    {
        if (!schema.TryGet("type", out JsonElement type))
        {
            return;
        }

        var kinds = ValueKinds.None;
        foreach (JsonElement name in type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().ToArray() : [type])
        {
            ValueKinds kind = (name.ValueKind == JsonValueKind.String ? name.GetString() : null) switch
            {
                "null" => ValueKinds.Null,
                "boolean" => ValueKinds.Boolean,
                "integer" => ValueKinds.Integer,
                "number" => ValueKinds.Number,
                "string" => ValueKinds.String,
                "array" => ValueKinds.Array,
                "object" => ValueKinds.Object,
                _ => ValueKinds.None,
            };
            if (kind == ValueKinds.None)
            {
                faults.Add(schema.PointerTo("type"), $"{Excerpt.Of(name.GetRawText())} is no type of JSON Schema (null, boolean, integer, number, string, array, object).");
            }

            kinds |= kind;
        }

        if (schema.TryGet("nullable", out JsonElement nullable) && nullable.ValueKind == JsonValueKind.True)
        {
            kinds |= ValueKinds.Null;
        }

        shape.Kinds &= kinds;
    }

    private void ReadValues(SchemaNode schema, Shape shape)
    {
        if (schema.TryGet("enum", out JsonElement list))
        {
            if (list.ValueKind != JsonValueKind.Array)
            {
                faults.Add(schema.PointerTo("enum"), "it must be a list of values.");
                return;
            }

            Keep(shape, [.. list.EnumerateArray()]);
        }

        if (schema.TryGet("const", out JsonElement value))
        {
            Keep(shape, [value]);
        }
    }

    private static void Keep(Shape shape, List<JsonElement> values) =>
        shape.Values = shape.Values is null ? values : [.. shape.Values.Where(value => values.Exists(other => JsonElement.DeepEquals(value, other)))];

    private void ReadText(SchemaNode schema, Shape shape)
    {
        shape.MinLength = Math.Max(shape.MinLength, ReadCount(schema, "minLength") ?? 0);
        shape.MaxLength = Least(shape.MaxLength, ReadCount(schema, "maxLength"));
        if (ReadString(schema, "pattern") is { } pattern)
        {
            AddText(schema, "pattern", shape, () => TextPattern.Compile(pattern == TimeSpanPattern ? StrictTimeSpanPattern : pattern), pattern);
        }

        if (ReadString(schema, "format") is { } format)
        {
            (Int128 Low, Int128 High)? bounds = format switch
            {
                "int8" => (sbyte.MinValue, sbyte.MaxValue),
                "uint8" or "byte" when (shape.Kinds & ValueKinds.String) == 0 => (byte.MinValue, byte.MaxValue),
                "int16" => (short.MinValue, short.MaxValue),
                "uint16" => (ushort.MinValue, ushort.MaxValue),
                "int32" => (int.MinValue, int.MaxValue),
                "uint32" => (uint.MinValue, uint.MaxValue),
                "uint64" => (0, long.MaxValue),
                _ => null,
            };
            if (bounds is { } limits)
            {
                Int128 one = NumberRule.Power(NumberRule.MaxFractionDigits);
                shape.Low = Int128.Max(shape.Low, limits.Low * one);
                shape.High = Int128.Min(shape.High, limits.High * one);
            }
            else
            {
                AddText(schema, "format", shape, () => TextPattern.ForFormat(format), "format " + format);
            }
        }
    }

    private void AddText(SchemaNode schema, string keyword, Shape shape, Func<TextPattern?> compile, string key)
    {
        try
        {
            if (!_patterns.TryGetValue($"{keyword} {key}", out TextPattern? pattern))
            {
                pattern = compile();
                _patterns.Add($"{keyword} {key}", pattern);
            }

            if (pattern is not null)
            {
                shape.Text = shape.Text is null ? pattern : shape.Text.Intersect(pattern);
            }
        }
        catch (Exception fault) when (fault is NotSupportedException or FormatException)
        {
            faults.Add(schema.PointerTo(keyword), fault.Message);
        }
    }

    private void ReadNumber(SchemaNode schema, Shape shape)
    {
        bool excludesLow = schema.TryGet("exclusiveMinimum", out JsonElement low) && low.ValueKind == JsonValueKind.True;
        bool excludesHigh = schema.TryGet("exclusiveMaximum", out JsonElement high) && high.ValueKind == JsonValueKind.True;
        if (ReadNumber(schema, "minimum") is { } minimum)
        {
            shape.Low = Int128.Max(shape.Low, excludesLow ? DecimalUnits.Floor(minimum) + 1 : DecimalUnits.Ceiling(minimum));
        }

        if (ReadNumber(schema, "maximum") is { } maximum)
        {
            shape.High = Int128.Min(shape.High, excludesHigh ? DecimalUnits.Ceiling(maximum) - 1 : DecimalUnits.Floor(maximum));
        }

        if (low.ValueKind is not (JsonValueKind.True or JsonValueKind.False) && ReadNumber(schema, "exclusiveMinimum") is { } above)
        {
            shape.Low = Int128.Max(shape.Low, DecimalUnits.Floor(above) + 1);
        }

        if (high.ValueKind is not (JsonValueKind.True or JsonValueKind.False) && ReadNumber(schema, "exclusiveMaximum") is { } below)
        {
            shape.High = Int128.Min(shape.High, DecimalUnits.Ceiling(below) - 1);
        }

        if (ReadNumber(schema, "multipleOf") is { } step)
        {
            if (DecimalUnits.Exact(step) is { } grid && grid > 0)
            {
                shape.Grid = NumberRule.LeastCommonMultiple(shape.Grid, grid);
            }
            else
            {
                faults.Add(schema.PointerTo("multipleOf"), $"it must be positive, with at most {NumberRule.MaxFractionDigits} digits behind the point.");
            }
        }
    }

    private void ReadContainers(SchemaNode schema, Shape shape)
    {
        shape.MinItems = Math.Max(shape.MinItems, ReadCount(schema, "minItems") ?? 0);
        shape.MaxItems = Least(shape.MaxItems, ReadCount(schema, "maxItems"));
        shape.MinProperties = Math.Max(shape.MinProperties, ReadCount(schema, "minProperties") ?? 0);
        shape.MaxProperties = Least(shape.MaxProperties, ReadCount(schema, "maxProperties"));
        if (schema.TryGet("required", out JsonElement required) && required.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            if (required.ValueKind != JsonValueKind.Array || required.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
            {
                faults.Add(schema.PointerTo("required"), "it must be a list of names.");
                return;
            }

            shape.Required.UnionWith(required.EnumerateArray().Select(name => name.GetString()!));
        }
    }

    private int? ReadCount(SchemaNode schema, string keyword)
    {
        if (ReadNumber(schema, keyword) is not { } number)
        {
            return null;
        }

        if (!number.TryGetDouble(out double value) || value < 0 || value != Math.Floor(value))
        {
            faults.Add(schema.PointerTo(keyword), "it must be a whole number, not negative.");
            return null;
        }

        return (int)Math.Min(value, Rule.Never);
    }

    private JsonElement? ReadNumber(SchemaNode schema, string keyword)
    {
        if (!schema.TryGet(keyword, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            faults.Add(schema.PointerTo(keyword), "it must be a number.");
            return null;
        }

        return value;
    }

    private string? ReadString(SchemaNode schema, string keyword)
    {
        if (!schema.TryGet(keyword, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            faults.Add(schema.PointerTo(keyword), "it must be a string.");
            return null;
        }

        return value.GetString();
    }

    private static int? Least(int? left, int? right) => left is null || right < left ? right ?? left : left;
}
