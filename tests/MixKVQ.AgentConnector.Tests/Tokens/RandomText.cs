using CsCheck;

namespace MixKVQ.AgentConnector.Tests.Tokens;

/// <summary>Generators of texts that tokenizers stumble over.</summary>
internal static class RandomText
{
    private static readonly string[] Snippets =
    [
        " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "hello", " world", "12345", "é", "e\u0301", "Ж", "中文", "한", "\u1112\u1161\u11AB",
        "𝒳", "𠀀", "😶\u200D🌫️", "𝟗", "\uFEFF", "\u00A0", "\uFDD0", "\uFDD1", "\uFDE3", "\uFFFD", "\uE000", "<", "|", ">", "im_", "end", "<|im_end|>", "<|end|>", "<think>", "</think>", "<|begin",
    ];

    private static readonly Gen<string> Scalar = Gen.Int[0, 0x10FFFF - 0x800].Select(value => char.ConvertFromUtf32(value < 0xD800 ? value : value + 0x800));

    private static readonly Gen<string> LoneSurrogate = Gen.Int[0xD800, 0xDFFF].Select(value => ((char)value).ToString());

    /// <summary>Unicode text without lone surrogates.</summary>
    public static Gen<string> WellFormed { get; } =
        Gen.Frequency((6, OneOf(Snippets)), (2, Scalar), (2, Gen.Char[' ', '~'].Select(unit => unit.ToString()))).Array[0, 24].Select(string.Concat);

    /// <summary>Any .NET string.</summary>
    public static Gen<string> Any { get; } =
        Gen.Frequency((8, WellFormed), (1, LoneSurrogate)).Array[0, 6].Select(string.Concat);

    public static Gen<string> OneOf(params string[] choices) => Gen.Int[0, choices.Length - 1].Select(index => choices[index]);
}
