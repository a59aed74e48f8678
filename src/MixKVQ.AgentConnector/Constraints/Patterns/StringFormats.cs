using System.Collections.Frozen;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>The string formats of JSON Schema (validation, section 7.3) as patterns, each compiled when first asked for.</summary>
internal static class StringFormats
{
    private static readonly FrozenDictionary<string, Lazy<TextPattern>> Formats = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["uuid"] = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    }.ToFrozenDictionary(format => format.Key, format => new Lazy<TextPattern>(() => TextPattern.Compile($"^(?:{format.Value})$")), StringComparer.Ordinal);

    public static TextPattern? Find(string format) => Formats.GetValueOrDefault(format)?.Value;
}
