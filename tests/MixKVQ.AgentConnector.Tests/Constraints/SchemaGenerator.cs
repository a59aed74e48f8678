using System.Text.Json.Nodes;
using CsCheck;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>Random JSON schemas of the keywords that are supported, recursive ones among them.</summary>
internal static class SchemaGenerator
{
    private static readonly string[] Names = ["a", "ab", "name", "id", "é", "x\"y", "日本"];

    private static readonly string[] Patterns = ["^a+$", "^[a-c]{2,4}$", "b|é", "^\\d{2}:\\d{2}$", "^[^a]*$", "日", "\"", "^(ab|ac)?d*$"];

    private static readonly string[] Formats = ["date", "date-time", "time", "uuid", "ipv4", "email", "uri", "duration"];

    private static readonly Gen<JsonNode> Leaf = Gen.OneOf(
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4], Gen.Bool).Select((min, more, isBound) =>
        {
            var schema = new JsonObject { ["type"] = "string", ["minLength"] = min };
            if (isBound)
            {
                schema["maxLength"] = min + more;
            }

            return (JsonNode)schema;
        }),
        OneOf(Patterns).Select(pattern => (JsonNode)new JsonObject { ["type"] = "string", ["pattern"] = pattern }),
        OneOf(Formats).Select(format => (JsonNode)new JsonObject { ["type"] = "string", ["format"] = format }),
        Gen.Select(Gen.Int[-50, 50], Gen.Int[1, 400], OneOf("integer", "number"), Gen.Int[0, 5]).Select((low, width, type, kind) => (JsonNode)(kind switch
        {
            0 => new JsonObject { ["type"] = type, ["minimum"] = low, ["maximum"] = low + width },
            1 => new JsonObject { ["type"] = type, ["exclusiveMinimum"] = low / 4.0, ["exclusiveMaximum"] = (low / 4.0) + width },
            2 => new JsonObject { ["type"] = type, ["multipleOf"] = width },
            3 => new JsonObject { ["type"] = type, ["multipleOf"] = 0.25, ["minimum"] = low },
            4 => new JsonObject { ["type"] = type, ["maximum"] = low },
            _ => new JsonObject { ["type"] = type },
        })),
        Gen.Const(() => (JsonNode)new JsonObject { ["enum"] = new JsonArray("a", "ab", "a\\\"", 1, -2.5, null, true, new JsonObject { ["a"] = 1, ["b"] = "x" }, new JsonArray(1, 2)) }),
        Gen.Const(() => (JsonNode)new JsonObject { ["type"] = new JsonArray("string", "null"), ["enum"] = new JsonArray("a", 5, null) }),
        Gen.Const(() => (JsonNode)new JsonObject { ["const"] = "é\n" }),
        Gen.Const(() => (JsonNode)new JsonObject { ["type"] = new JsonArray("boolean", "null", "integer") }),
        Gen.Const(() => (JsonNode)new JsonObject()),
        Gen.Const(() => (JsonNode)new JsonObject { ["$ref"] = "#/$defs/node" }));

    public static Gen<JsonNode> Schema { get; } = Nested(3).Select(schema =>
    {
        var root = new JsonObject
        {
            ["$defs"] = new JsonObject
            {
                ["node"] = JsonNode.Parse("""{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/node"},"all":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["v"],"additionalProperties":false}"""),
            },
            ["allOf"] = new JsonArray(schema),
        };
        return (JsonNode)root;
    });

    private static Gen<string> OneOf(params string[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static Gen<JsonNode> Nested(int depth) => depth == 0 ? Leaf : Gen.Frequency(
        (2, Leaf),
        (3, Gen.Select(Nested(depth - 1).Array[0, 5], Gen.Int[0, 255], Gen.Int[0, 5]).Select(Object)),
        (2, Gen.Select(Nested(depth - 1).Array[1, 3], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Bool).Select(Array)),
        (1, Nested(depth - 1).Array[1, 3].Select(branches => (JsonNode)new JsonObject { ["anyOf"] = new JsonArray([.. branches.Select(branch => branch.DeepClone())]) })),
        (1, Gen.Select(Nested(depth - 1), Nested(depth - 1)).Select((left, right) => (JsonNode)new JsonObject { ["allOf"] = new JsonArray(left.DeepClone(), right.DeepClone()) })));

    private static JsonNode Object(JsonNode[] members, int flags, int kind)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        for (int index = 0; index < members.Length; index++)
        {
            properties[Names[index]] = members[index].DeepClone();
            if ((flags >> index & 1) != 0)
            {
                required.Add((JsonNode)Names[index]);
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        switch (kind)
        {
            case 0:
                schema["additionalProperties"] = false;
                break;
            case 1:
                schema["additionalProperties"] = new JsonObject { ["type"] = "integer" };
                schema["maxProperties"] = members.Length + 1;
                break;
            case 2:
                schema["patternProperties"] = new JsonObject { ["^z[0-9]*$"] = new JsonObject { ["type"] = "null" } };
                break;
            case 3:
                schema["minProperties"] = 2;
                schema["additionalProperties"] = true;
                break;
            case 4:
                schema["propertyNames"] = new JsonObject { ["pattern"] = "^[a-zé日\"]+" };
                schema["additionalProperties"] = new JsonObject { ["type"] = "boolean" };
                break;
        }

        return schema;
    }

    private static JsonNode Array(JsonNode[] members, int min, int more, bool isBound)
    {
        var schema = new JsonObject { ["type"] = "array", ["minItems"] = min, ["items"] = members[0].DeepClone() };
        if (members.Length > 1)
        {
            schema["prefixItems"] = new JsonArray([.. members.Skip(1).Select(member => member.DeepClone())]);
        }

        if (isBound)
        {
            schema["maxItems"] = min + more;
        }

        return schema;
    }
}
