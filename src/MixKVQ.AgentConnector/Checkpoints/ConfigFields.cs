using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Typed access to a JSON object's fields that collects faults instead of stopping at the first.</summary>
/// <param name="element">The object; a null or absent field counts as not given.</param>
/// <param name="prefix">Precedes field names in faults, such as <c>rope_scaling.</c>.</param>
/// <param name="faults">Receives one sentence for each fault.</param>
internal sealed class ConfigFields(JsonElement element, string prefix, List<string> faults)
{
    public void AddFault(string fault) => faults.Add(fault);

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>Whether the field is there, if only as null.</summary>
    public bool IsGiven(string name) => element.TryGetProperty(name, out _);

    /// <summary>The field as an object, or null when it is not given or (a fault) of another kind.</summary>
    public ConfigFields? Object(string name) =>
        Find(name) is { } value && HasKind(name, value, JsonValueKind.Object, "an object")
            ? new ConfigFields(value, $"{prefix}{name}.", faults)
            : null;

    public string? Text(string name) =>
        Find(name) is { } value && HasKind(name, value, JsonValueKind.String, "a string") ? value.GetString() : null;

    public bool? Flag(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }

        AddFault($"{prefix}{name} must be true or false, not {Describe(value)}.");
        return null;
    }

    /// <summary>A whole number within the range, or null when it is not given or (a fault) something else.</summary>
    public int? Count(string name, int minimum, int maximum)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        // Python writes some counts as 8192.0.
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number)
            && number == Math.Floor(number) && number >= minimum && number <= maximum)
        {
            return (int)number;
        }

        AddFault($"{prefix}{name} must be a whole number from {minimum} to {maximum}, not {Describe(value)}.");
        return null;
    }

    /// <summary>As <see cref="Count"/>, with a fault when the field is not given.</summary>
    public int RequiredCount(string name, int minimum, int maximum)
    {
        if (!Has(name))
        {
            AddFault($"{prefix}{name} is missing.");
        }

        return Count(name, minimum, maximum) ?? minimum;
    }

    public double? Number(string name, double minimum, double maximum)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= minimum && number <= maximum)
        {
            return number;
        }

        AddFault($"{prefix}{name} must be a number from {minimum} to {maximum}, not {Describe(value)}.");
        return null;
    }

    /// <summary>The elements of a field that is an array, or the field itself as the only one; empty when it is not given.</summary>
    public IReadOnlyList<JsonElement> OneOrMany(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } array => [.. array.EnumerateArray()],
        { } value => [value],
    };

    /// <summary>A short rendering of a value for an error message.</summary>
    public static string Describe(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 60 ? text : $"{text.AsSpan(0, 60)}…";
    }

    private bool HasKind(string name, JsonElement value, JsonValueKind kind, string expected)
    {
        if (value.ValueKind == kind)
        {
            return true;
        }

        AddFault($"{prefix}{name} must be {expected}, not {Describe(value)}.");
        return false;
    }

    private JsonElement? Find(string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
