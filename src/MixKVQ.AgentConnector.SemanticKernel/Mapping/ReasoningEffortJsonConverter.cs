using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>Efforts by the names that Semantic Kernel and chat protocols use.</summary>
internal sealed class ReasoningEffortJsonConverter : JsonConverter<ReasoningEffort>
{
    private static readonly (string Name, ReasoningEffort Effort)[] Names =
    [
        ("none", ReasoningEffort.None),
        ("low", ReasoningEffort.Low),
        ("medium", ReasoningEffort.Medium),
        ("high", ReasoningEffort.High),
        ("xhigh", ReasoningEffort.ExtraHigh),
    ];

    /// <inheritdoc/>
    public override ReasoningEffort Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string? name = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        foreach ((string known, ReasoningEffort effort) in Names)
        {
            if (known.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return effort;
            }
        }

        throw new JsonException($"Known efforts are {string.Join(", ", Names.Select(entry => entry.Name))}.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ReasoningEffort value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Array.Find(Names, entry => entry.Effort == value).Name);
}
