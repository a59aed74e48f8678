using System.Text.Json;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>A schema and where it stands in its document. Two are the same where their pointers are.</summary>
/// <param name="Pointer">A JSON pointer as a URI fragment: "#" or "#/…".</param>
/// <param name="Element">An object, true or false.</param>
internal sealed record SchemaNode(string Pointer, JsonElement Element)
{
    public bool IsFalse => Element.ValueKind == JsonValueKind.False;

    public bool IsObject => Element.ValueKind == JsonValueKind.Object;

    public bool Equals(SchemaNode? other) => other is not null && Pointer == other.Pointer;

    public override int GetHashCode() => Pointer.GetHashCode(StringComparison.Ordinal);

    /// <summary>The value of a keyword.</summary>
    public bool TryGet(string keyword, out JsonElement value)
    {
        value = default;
        return IsObject && Element.TryGetProperty(keyword, out value);
    }

    /// <summary>The pointer of what stands below a keyword.</summary>
    public string PointerTo(string keyword) => $"{Pointer}/{keyword.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    public SchemaNode Child(string keyword, JsonElement element) => new(PointerTo(keyword), element);
}
