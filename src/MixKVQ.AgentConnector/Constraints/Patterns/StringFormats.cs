using System.Collections.Frozen;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>The string formats of JSON Schema (validation, section 7.3) as patterns, each compiled when first asked for.</summary>
internal static class StringFormats
{
    /// <summary>No two hyphens together: they mark encoded names (RFC 5891, section 4.2.3.1), which not every text would be.</summary>
    private const string LoneHyphens = "(?:[^-]|-[^-])*";

    /// <summary>RFC 6901, section 3.</summary>
    private const string JsonPointer = "(?:/(?:[^~/]|~[01])*)*";

    private static readonly FrozenDictionary<string, Lazy<TextPattern>> Formats = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["date"] = [TimeGrammar.Date],
        ["time"] = [TimeGrammar.Time],
        ["date-time"] = [TimeGrammar.DateTime],
        ["duration"] = [TimeGrammar.Duration],
        ["email"] = [NetworkGrammar.Email, NetworkGrammar.EmailLimits],
        ["idn-email"] = [NetworkGrammar.Email, NetworkGrammar.EmailLimits],
        ["hostname"] = [NetworkGrammar.Host, LoneHyphens],
        ["idn-hostname"] = [NetworkGrammar.Host, LoneHyphens],
        ["ipv4"] = [NetworkGrammar.Ipv4],
        ["ipv6"] = [NetworkGrammar.Ipv6],
        ["uri"] = [NetworkGrammar.Uri],
        ["uri-reference"] = [NetworkGrammar.UriReference],
        ["iri"] = [NetworkGrammar.Iri],
        ["iri-reference"] = [NetworkGrammar.IriReference],
        ["uri-template"] = [NetworkGrammar.UriTemplate],

        // RFC 9562, section 4.
        ["uuid"] = ["[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"],
        ["json-pointer"] = [JsonPointer],

        // Relative JSON Pointers (draft-bhutton-relative-json-pointer, section 3), with steps that an int holds.
        ["relative-json-pointer"] = [$@"(?:0|[1-9]\d{{0,8}})(?:#|{JsonPointer})"],
    }.ToFrozenDictionary(format => format.Key, format => new Lazy<TextPattern>(() => CompileAll(format.Value)), StringComparer.Ordinal);

    public static IEnumerable<string> Names => Formats.Keys;

    public static TextPattern? Find(string format) => Formats.GetValueOrDefault(format)?.Value;

    private static TextPattern CompileAll(string[] patterns) =>
        patterns.Select(pattern => TextPattern.Compile($"^(?:{pattern})$")).Aggregate((all, next) => all.Intersect(next));
}
