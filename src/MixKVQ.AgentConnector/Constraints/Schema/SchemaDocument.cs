using System.Runtime.InteropServices;
using System.Text.Json;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>A schema's text: its size is checked and its references are resolved here.</summary>
internal sealed class SchemaDocument
{
    private const int MaxElements = 50_000;

    private const int MaxBytes = 512 * 1024;

    private const int MaxDepth = 64;

    private int _elements;

    /// <exception cref="NotSupportedException">The schema is too large or is no schema.</exception>
    public SchemaDocument(JsonElement root)
    {
        int bytes = JsonMarshal.GetRawUtf8Value(root).Length;
        if (bytes > MaxBytes)
        {
            throw new NotSupportedException($"The JSON schema has {bytes} bytes; at most {MaxBytes} are taken. Take a smaller one.");
        }

        Count(root, 0);
        Root = new SchemaNode("#", root);
        if (root.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False))
        {
            throw new NotSupportedException($"The JSON schema is a {root.ValueKind}; a schema is an object, true or false.");
        }
    }

    public SchemaNode Root { get; }

    /// <summary>The schema that a reference names; null where it names none in this document.</summary>
    public SchemaNode? Resolve(string reference)
    {
        if (!reference.StartsWith('#'))
        {
            return null;
        }

        string path = Uri.UnescapeDataString(reference[1..]);
        if (path.Length > 0 && path[0] != '/')
        {
            return null;
        }

        SchemaNode node = Root;
        foreach (string part in path.Length == 0 ? [] : path[1..].Split('/'))
        {
            string key = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            JsonElement found;
            if (node.Element.ValueKind == JsonValueKind.Array && int.TryParse(key, out int index) && index >= 0 && index < node.Element.GetArrayLength())
            {
                found = node.Element[index];
            }
            else if (!node.TryGet(key, out found))
            {
                return null;
            }

            node = node.Child(key, found);
        }

        return node.Element.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False ? node : null;
    }

    private void Count(JsonElement element, int depth)
    {
        if (depth > MaxDepth || ++_elements > MaxElements)
        {
            throw new NotSupportedException(depth > MaxDepth
                ? $"The JSON schema is nested more than {MaxDepth} deep. Use $defs and $ref."
                : $"The JSON schema has more than {MaxElements} elements. Take a smaller one.");
        }

        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                Count(property.Value, depth + 1);
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
            {
                Count(item, depth + 1);
            }
        }
    }
}
