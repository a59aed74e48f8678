using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// JSON of a saved conversation. A text that is no valid UTF-16 is written as the array of its code units, since JSON cannot hold it. Reading takes nothing on trust.
/// </summary>
internal static class StrictJson
{
    /// <summary>Writes a text, or null.</summary>
    public static void WriteText(this Utf8JsonWriter json, string name, string? text)
    {
        if (text is null || IsValid(text))
        {
            json.WriteString(name, text);
            return;
        }

        json.WriteStartArray(name);
        foreach (char unit in text)
        {
            json.WriteNumberValue(unit);
        }

        json.WriteEndArray();
    }

    /// <summary>A property of an object.</summary>
    /// <exception cref="InvalidDataException">There is none, or no object.</exception>
    public static JsonElement Field(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement field) ? field : throw Fault(name);

    /// <summary>A text or null.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static string? TextOrNull(this JsonElement element, string name)
    {
        JsonElement field = element.Field(name);
        return field.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => field.GetString(),
            JsonValueKind.Array => string.Concat(field.EnumerateArray().Select(unit => unit.TryGetInt32(out int code) && code is >= 0 and <= char.MaxValue ? (char)code : throw Fault(name))),
            _ => throw Fault(name),
        };
    }

    /// <summary>A text.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static string Text(this JsonElement element, string name) => element.TextOrNull(name) ?? throw Fault(name);

    /// <summary>A whole number within bounds.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static long Number(this JsonElement element, string name, long min, long max) =>
        element.Field(name) is { ValueKind: JsonValueKind.Number } field && field.TryGetInt64(out long number) && number >= min && number <= max
            ? number
            : throw Fault(name);

    /// <summary>How many there are of something.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static int Count(this JsonElement element, string name, int max) => (int)element.Number(name, 0, max);

    /// <summary>True or false.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static bool Flag(this JsonElement element, string name) => element.FlagOrNull(name) ?? throw Fault(name);

    /// <summary>True, false or null.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static bool? FlagOrNull(this JsonElement element, string name) => element.Field(name).ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => throw Fault(name),
    };

    /// <summary>A point in time.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static DateTimeOffset Time(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.String } field && field.TryGetDateTimeOffset(out DateTimeOffset time) ? time : throw Fault(name);

    /// <summary>The items of an array.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static JsonElement.ArrayEnumerator Items(this JsonElement element, string name) =>
        element.Field(name) is { ValueKind: JsonValueKind.Array } field ? field.EnumerateArray() : throw Fault(name);

    /// <summary>An object or array of any content, or null, that outlives its document.</summary>
    /// <exception cref="InvalidDataException">It is missing or something else.</exception>
    public static T? NodeOrNull<T>(this JsonElement element, string name)
        where T : JsonNode
    {
        JsonElement field = element.Field(name);
        JsonNode? node = field.ValueKind switch
        {
            JsonValueKind.Object => JsonObject.Create(field.Clone()),
            JsonValueKind.Array => JsonArray.Create(field.Clone()),
            JsonValueKind.Null => null,
            _ => throw Fault(name),
        };
        return node is null ? null : node as T ?? throw Fault(name);
    }

    private static bool IsValid(string text)
    {
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int surrogate = rest.IndexOfAnyInRange('\uD800', '\uDFFF');
            if (surrogate < 0)
            {
                return true;
            }

            if (surrogate + 1 == rest.Length || !char.IsSurrogatePair(rest[surrogate], rest[surrogate + 1]))
            {
                return false;
            }

            rest = rest[(surrogate + 2)..];
        }

        return true;
    }

    private static InvalidDataException Fault(string name) => new($"its field {name} is missing or has no valid value");
}
