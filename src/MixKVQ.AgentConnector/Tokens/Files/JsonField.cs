using System.Text.Json;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>A value in a model's JSON file, with its place for messages. Wrong kinds give <see cref="InvalidDataException"/>.</summary>
internal readonly record struct JsonField(string File, string Path, JsonElement Element)
{
    public bool IsNull => Element.ValueKind == JsonValueKind.Null;

    /// <summary>The member, or null where it is absent or null.</summary>
    public JsonField? Find(string name)
    {
        Expect(JsonValueKind.Object, "an object");
        return Element.TryGetProperty(name, out JsonElement member) && member.ValueKind != JsonValueKind.Null
            ? new JsonField(File, $"{Path}.{name}", member)
            : null;
    }

    public JsonField Get(string name) => Find(name) ?? throw Fault($"lacks '{name}'");

    public string Text()
    {
        Expect(JsonValueKind.String, "a string");
        return Element.GetString()!;
    }

    public string? FindText(string name) => Find(name)?.Text();

    public bool FindFlag(string name, bool absent) => Find(name) is { } field ? field.Flag() : absent;

    public int Integer() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value) ? value : throw Fault("is not a whole number of 32 bits");

    public IEnumerable<JsonField> Items()
    {
        Expect(JsonValueKind.Array, "an array");
        string file = File;
        string path = Path;
        return Element.EnumerateArray().Select((item, index) => new JsonField(file, $"{path}[{index}]", item));
    }

    public IEnumerable<(string Name, JsonField Value)> Members()
    {
        Expect(JsonValueKind.Object, "an object");
        string file = File;
        string path = Path;
        return Element.EnumerateObject().Select(member => (member.Name, new JsonField(file, $"{path}.{Excerpt.Of(member.Name)}", member.Value)));
    }

    public InvalidDataException Fault(string problem) => new($"{File}: {Path} {problem}.");

    private bool Flag() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fault("is neither true nor false"),
    };

    private void Expect(JsonValueKind kind, string description)
    {
        if (Element.ValueKind != kind)
        {
            throw Fault($"is not {description}");
        }
    }
}
