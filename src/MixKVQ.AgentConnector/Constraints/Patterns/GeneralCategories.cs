using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Unicode's general categories by the short and long names that ECMA-262's <c>\p{…}</c> takes (table 71 there).</summary>
internal static class GeneralCategories
{
    private static readonly UnicodeCategory[] AllCategories = Enum.GetValues<UnicodeCategory>();

    /// <summary>Other names to the short one.</summary>
    private static readonly FrozenDictionary<string, string> ShortNames = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Letter"] = "L",
        ["Cased_Letter"] = "LC",
        ["Mark"] = "M",
        ["Combining_Mark"] = "M",
        ["Number"] = "N",
        ["Punctuation"] = "P",
        ["punct"] = "P",
        ["Symbol"] = "S",
        ["Separator"] = "Z",
        ["Other"] = "C",
        ["Uppercase_Letter"] = "Lu",
        ["Lowercase_Letter"] = "Ll",
        ["Titlecase_Letter"] = "Lt",
        ["Modifier_Letter"] = "Lm",
        ["Other_Letter"] = "Lo",
        ["Nonspacing_Mark"] = "Mn",
        ["Spacing_Mark"] = "Mc",
        ["Enclosing_Mark"] = "Me",
        ["Decimal_Number"] = "Nd",
        ["digit"] = "Nd",
        ["Letter_Number"] = "Nl",
        ["Other_Number"] = "No",
        ["Space_Separator"] = "Zs",
        ["Line_Separator"] = "Zl",
        ["Paragraph_Separator"] = "Zp",
        ["Control"] = "Cc",
        ["cntrl"] = "Cc",
        ["Format"] = "Cf",
        ["Surrogate"] = "Cs",
        ["Private_Use"] = "Co",
        ["Connector_Punctuation"] = "Pc",
        ["Dash_Punctuation"] = "Pd",
        ["Open_Punctuation"] = "Ps",
        ["Close_Punctuation"] = "Pe",
        ["Initial_Punctuation"] = "Pi",
        ["Final_Punctuation"] = "Pf",
        ["Other_Punctuation"] = "Po",
        ["Math_Symbol"] = "Sm",
        ["Currency_Symbol"] = "Sc",
        ["Modifier_Symbol"] = "Sk",
        ["Other_Symbol"] = "So",
        ["Unassigned"] = "Cn",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>In the order of <see cref="UnicodeCategory"/>.</summary>
    private static readonly string[] TwoLetterNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly ConcurrentDictionary<string, CodePointSet> Sets = new(StringComparer.Ordinal);

    /// <summary>The set of a property expression such as <c>Lu</c>, <c>Letter</c> or <c>gc=N</c>; null for other properties.</summary>
    public static CodePointSet? Find(string property)
    {
        int equals = property.IndexOf('=');
        if (equals >= 0 && property[..equals] is not ("gc" or "General_Category"))
        {
            return null;
        }

        string name = property[(equals + 1)..];
        name = ShortNames.GetValueOrDefault(name, name);
        return name switch
        {
            "Any" when equals < 0 => CodePointSet.Any,
            "ASCII" when equals < 0 => CodePointSet.Of(new CodePointRange(0, 0x7F)),
            "LC" or "L" or "M" or "N" or "P" or "S" or "Z" or "C" => Sets.GetOrAdd(name, Collect),
            _ => TwoLetterNames.Contains(name) ? Sets.GetOrAdd(name, Collect) : null,
        };
    }

    private static CodePointSet Collect(string name)
    {
        HashSet<UnicodeCategory> categories = [.. AllCategories.Where(category => Names(name, TwoLetterNames[(int)category]))];
        List<CodePointRange> ranges = [];
        int first = -1;
        for (int codePoint = 0; codePoint <= CodePointSet.MaxCodePoint + 1; codePoint++)
        {
            bool inside = codePoint <= CodePointSet.MaxCodePoint && categories.Contains(CharUnicodeInfo.GetUnicodeCategory(codePoint));
            if (inside && first < 0)
            {
                first = codePoint;
            }
            else if (!inside && first >= 0)
            {
                ranges.Add(new CodePointRange(first, codePoint - 1));
                first = -1;
            }
        }

        return CodePointSet.Of([.. ranges]);
    }

    private static bool Names(string name, string category) =>
        name == "LC" ? category is "Lu" or "Ll" or "Lt" : category.StartsWith(name, StringComparison.Ordinal);
}
