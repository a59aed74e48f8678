using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Reads <see cref="MixKvqMetadata.LogitBias"/>: whatever becomes a JSON object of token ids and numbers.</summary>
internal static class LogitBiasReader
{
    private const float MaxBias = 100;

    /// <summary>The biases of <paramref name="value"/>, none where it is null.</summary>
    /// <param name="value">A dictionary, a JSON object or JSON text.</param>
    /// <param name="vocabularySize">Every id is below it.</param>
    /// <param name="faults">Gets a line for each entry that is wrong.</param>
    public static ImmutableArray<TokenBias> Read(object? value, int vocabularySize, List<string> faults)
    {
        if (value is null)
        {
            return [];
        }

        if (ToJson(value) is not { ValueKind: JsonValueKind.Object } map)
        {
            faults.Add($"{MixKvqMetadata.LogitBias}: a {value.GetType().Name}; allowed is a map from token ids to numbers");
            return [];
        }

        var biases = new SortedDictionary<int, float>();
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id >= vocabularySize)
            {
                faults.Add($"{MixKvqMetadata.LogitBias}: the id '{Excerpt.Of(entry.Name)}'; allowed is 0 to {vocabularySize - 1}");
            }
            else if (Number(entry.Value) is not (>= -MaxBias and <= MaxBias and float bias))
            {
                faults.Add($"{MixKvqMetadata.LogitBias}: {Excerpt.Of(entry.Value.GetRawText())} for the id {id}; allowed is -{MaxBias} to {MaxBias}");
            }
            else if (!biases.TryAdd(id, bias))
            {
                faults.Add($"{MixKvqMetadata.LogitBias}: the id {id} twice");
            }
        }

        return [.. biases.Select(bias => new TokenBias(bias.Key, bias.Value))];
    }

    private static JsonElement? ToJson(object value)
    {
        try
        {
            return value is string text
                ? JsonElement.Parse(text)
                : JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(value.GetType()));
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or ArgumentException)
        {
            // No JSON text, or an object that has no JSON form, such as NaN.
            return null;
        }
    }

    private static float? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetSingle(out float number) ? number : null,
        JsonValueKind.String => float.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out float number) ? number : null,
        _ => null,
    };
}
