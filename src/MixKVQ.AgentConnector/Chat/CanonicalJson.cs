using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// A text that is the same for JSON values that mean the same: property order, white space, the spelling of a number
/// and whether a scalar is quoted do not matter, because frameworks change all of them between a call and its return.
/// </summary>
internal static class CanonicalJson
{
    /// <summary>The canonical text of a value; null is JSON's null.</summary>
    public static string Of(JsonNode? node)
    {
        var text = new StringBuilder();
        Write(node, text);
        return text.ToString();
    }

    private static void Write(JsonNode? node, StringBuilder text)
    {
        switch (node)
        {
            case JsonObject properties:
                text.Append('{');
                foreach ((string name, JsonNode? value) in properties.OrderBy(property => property.Key, StringComparer.Ordinal))
                {
                    WriteScalar(name, text);
                    text.Append(':');
                    Write(value, text);
                    text.Append(',');
                }

                text.Append('}');
                break;
            case JsonArray items:
                text.Append('[');
                foreach (JsonNode? item in items)
                {
                    Write(item, text);
                    text.Append(',');
                }

                text.Append(']');
                break;
            case null:
                WriteScalar("null", text);
                break;
            default:
                WriteScalar(ScalarText(node), text);
                break;
        }
    }

    private static void WriteScalar(string scalar, StringBuilder text) => text.Append(scalar.Length).Append(';').Append(scalar);

    private static string ScalarText(JsonNode node)
    {
        if (node.GetValueKind() == JsonValueKind.String)
        {
            return node.GetValue<string>();
        }

        string raw = node.ToJsonString();
        return decimal.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number)
            ? number.ToString("0.############################", CultureInfo.InvariantCulture)
            : raw;
    }
}
