using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>What a well-kept validator says of a text.</summary>
internal static class SchemaVerdict
{
    private static readonly EvaluationOptions Options = new() { RequireFormatValidation = true };

    /// <summary>Fails unless the text is JSON and valid.</summary>
    public static void Check(string schema, string text)
    {
        JsonSchema known = JsonSchema.FromText(schema, new BuildOptions { Dialect = Dialect.Draft202012, SchemaRegistry = new SchemaRegistry() });
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.True(known.Evaluate(document.RootElement, Options).IsValid, $"{text} is not valid for {schema}");
    }

    /// <summary>
    /// The same JSON with no two characters of a string value that are shown as one: the validator counts what is shown, JSON
    /// Schema counts code points. What joins the character before it becomes an omega, which no schema of the caller may name.
    /// </summary>
    public static string WithoutClusters(string text) => Spread(JsonNode.Parse(text))?.ToJsonString() ?? "null";

    private static JsonNode? Spread(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Spread(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Spread)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Spread(value.GetValue<string>())),
        _ => node?.DeepClone(),
    };

    private static string Spread(string text)
    {
        const char Omega = '\u03A9';
        var spread = new StringBuilder();
        for (int start = 0; start < text.Length;)
        {
            int length = StringInfo.GetNextTextElementLength(text.AsSpan(start));
            int characters = text.AsSpan(start, length).ToString().EnumerateRunes().Count();
            string first = Rune.GetRuneAt(text, start).ToString();
            bool joinsNext = characters > 1 && StringInfo.GetNextTextElementLength(first + Omega) > first.Length;
            spread.Append(joinsNext ? $"{Omega}" : first).Append(Omega, characters - 1);
            start += length;
        }

        return spread.ToString();
    }
}
