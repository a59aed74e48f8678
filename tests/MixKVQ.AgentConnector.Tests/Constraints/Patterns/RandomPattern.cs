using CsCheck;

namespace MixKVQ.AgentConnector.Tests.Constraints.Patterns;

/// <summary>Random patterns whose meaning ECMA-262 and .NET share, and random texts that often match them.</summary>
internal static class RandomPattern
{
    private static readonly Gen<string> SimpleAtoms = Gen.OneOf(
        "a", "b", "c", "ab", "é", @"\d", @"\D", @"\w", @"\W", ".", @"\.", @"\-", @"\x61", @"\u0062", @"\t", "[ab]", "[^ab]", "[a-c0-9]",
        @"[^\d_]", @"[\w.-]", @"[\]\\^-]", "[-a]", "a{,2}", "}", @"\cJ", "a{x", @"[\n ]");

    private static readonly Gen<string> Anchors = Gen.OneOf("^", "$");

    private static readonly Gen<string> Quantifiers = Gen.OneOf("*", "+", "?", "{2}", "{0}", "{1,}", "{0,3}", "{2,4}", "*?", "+?", "??", "{1,2}?");

    private static readonly Gen<string> Atoms = Gen.Frequency((8, SimpleAtoms), (1, Anchors));

    public static readonly Gen<string> Patterns = Gen.Recursive<string>((depth, inner) => depth > 3 ? Atoms : Gen.Frequency(
        (3, Atoms),
        (3, Gen.Select(inner, inner, (one, other) => one + other)),
        (2, Gen.Select(inner, inner, (one, other) => $"(?:{one}|{other})")),
        (1, Gen.Select(inner, inner, (one, other) => $"({one}|{other}|)")),
        (1, Gen.Select(inner, Gen.OneOf("^", "$"), Gen.Bool, (part, anchor, before) => before ? $"(?:{anchor}{part})" : $"(?:{part}{anchor})")),
        (3, Gen.Select(inner, Quantifiers, (part, quantifier) => $"(?<name>{part}){quantifier}"))));

    public static readonly Gen<string> Texts = Gen.OneOf("a", "b", "c", "A", "0", "7", "_", "-", " ", "\n", "\u00E9", ".", "z")
        .Array[0, 7].Select(string.Concat);
}
