using System.Globalization;
using System.Text;

namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>
/// A stand-in of one UTF-16 unit for each character beyond U+FFFF: an obscure letter, mark, digit or symbol of the same
/// general category, so that classes such as \p{L} judge it alike and no pattern names it by itself.
/// </summary>
internal static class AstralStandIns
{
    /// <summary>Writes one unit a character and returns how many; the text holds no lone surrogates.</summary>
    public static int Fill(ReadOnlySpan<char> text, Span<char> standIns)
    {
        int count = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            standIns[count++] = rune.IsBmp ? (char)rune.Value : For(Rune.GetUnicodeCategory(rune));
        }

        return count;
    }

    /// <summary>The stand-in of a category; separators and surrogates, of which there are none beyond U+FFFF, have none.</summary>
    public static char For(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u2C00',
        UnicodeCategory.LowercaseLetter => '\u2C30',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA717',
        UnicodeCategory.OtherLetter => '\uA014',
        UnicodeCategory.NonSpacingMark => '\u1AB0',
        UnicodeCategory.SpacingCombiningMark => '\u1CE1',
        UnicodeCategory.EnclosingMark => '\u1ABE',
        UnicodeCategory.DecimalDigitNumber => '\uA620',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.ConnectorPunctuation => '\uFE4D',
        UnicodeCategory.DashPunctuation => '\u2E3A',
        UnicodeCategory.OpenPunctuation => '\u2E28',
        UnicodeCategory.ClosePunctuation => '\u2E29',
        UnicodeCategory.InitialQuotePunctuation => '\u2E02',
        UnicodeCategory.FinalQuotePunctuation => '\u2E03',
        UnicodeCategory.OtherPunctuation => '\u2CF9',
        UnicodeCategory.MathSymbol => '\u2A00',
        UnicodeCategory.CurrencySymbol => '\u20B8',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA490',
        UnicodeCategory.Format => '\u2061',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\u2FE0',
    };
}
