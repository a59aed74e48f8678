using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>Writes the response formats that are no JSON by themselves, wherever settings of another type hold them.</summary>
internal sealed class ResponseFormatJsonConverter : JsonConverter<object>
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) =>
        typeof(Type).IsAssignableFrom(typeToConvert) || typeof(ChatResponseFormat).IsAssignableFrom(typeToConvert);

    /// <inheritdoc/>
    public override object Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException($"A {typeToConvert.Name} is written only.");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options)
    {
        object format = ResponseFormatMapping.Normalize(value)!;
        if (format is JsonElement schema)
        {
            schema.WriteTo(writer);
        }
        else
        {
            writer.WriteStringValue((string)format);
        }
    }
}
