using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Reads the settings that travel in <see cref="ChatOptions.AdditionalProperties"/>, each once.</summary>
/// <param name="properties">The properties; null for none.</param>
/// <param name="refusals">Gets a line for each setting that nobody read.</param>
/// <param name="faults">Gets a line for each value of the wrong type.</param>
internal sealed class AdditionalSettings(AdditionalPropertiesDictionary? properties, List<string> refusals, List<string> faults)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The number of this name; null where it is not set.</summary>
    public float? Number(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float number))
        {
            return number;
        }

        faults.Add($"{name}: '{text}'; allowed is a number");
        return null;
    }

    /// <summary>The switch of this name; null where it is not set.</summary>
    public bool? Switch(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (bool.TryParse(text, out bool value))
        {
            return value;
        }

        faults.Add($"{name}: '{text}'; allowed is true or false");
        return null;
    }

    /// <summary>The setting of this name as it was given; null where it is not set.</summary>
    public object? Value(string name)
    {
        _known.Add(name);
        return properties?.TryGetValue(name, out object? value) == true ? value : null;
    }

    /// <summary>Refuses every setting that was not asked for. Objects that frameworks carry along are no settings.</summary>
    public void RefuseOthers()
    {
        foreach ((string name, object? value) in properties ?? [])
        {
            if (!_known.Contains(name) && value is string or bool or IConvertible or JsonElement or JsonNode)
            {
                refusals.Add($"{nameof(ChatOptions.AdditionalProperties)}: '{name}' is unknown; known are {string.Join(", ", _known)}");
            }
        }
    }

    private string? Text(string name)
    {
        return Value(name) is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
    }
}
