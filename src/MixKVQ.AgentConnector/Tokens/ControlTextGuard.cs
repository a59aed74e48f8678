using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Lets untrusted text pass through a chat template without becoming control tokens. Every place where an added token's text
/// begins, or may begin or go on across the text's border, gets a mark, the noncharacter U+FDD0; such marks break the match in
/// <see cref="ModelTokenizer.EncodePrompt(string, bool)"/>, which takes them out before it encodes the text. Marks and escapes that
/// are in the untrusted text already are escaped: U+FDD1 and four noncharacters for the four hexadecimal digits of the UTF-16 unit.
/// Names that a template turns into control tokens by itself, such as roles, must not be guarded. Immutable.
/// </summary>
internal sealed class ControlTextGuard
{
    /// <summary>U+FDD0 … U+FDEF: no added token may contain one of these.</summary>
    public const char FirstReserved = '\uFDD0';

    /// <inheritdoc cref="FirstReserved"/>
    public const char LastReserved = '\uFDEF';

    private const char Mark = FirstReserved;
    private const char Escape = '\uFDD1';
    private const char DigitZero = '\uFDE0';
    private const int DigitCount = 4;

    private readonly AddedTokenTrie _trie;
    private readonly Dictionary<char, List<(string Text, int Position)>> _continuations = [];

    public ControlTextGuard(IReadOnlyCollection<AddedToken> addedTokens)
    {
        _trie = new AddedTokenTrie(addedTokens.Select(token => (token.Content, token)));
        foreach (AddedToken token in addedTokens)
        {
            for (int i = 1; i < token.Content.Length; i++)
            {
                if (!_continuations.TryGetValue(token.Content[i], out List<(string, int)>? places))
                {
                    _continuations.Add(token.Content[i], places = []);
                }

                places.Add((token.Content, i));
            }
        }
    }

    private enum Opening
    {
        None,
        Token,
        TokenOfOneCharacter,
    }

    /// <summary>Marks the text; <see cref="Unguard"/> gives it back exactly, alone or with other guarded texts around it.</summary>
    public string Guard(string untrusted)
    {
        // Templates trim: what stands first or last after trimming counts as standing at the border too.
        int contentEnd = untrusted.AsSpan().TrimEnd().Length;
        int contentStart = untrusted.Length - untrusted.AsSpan().TrimStart().Length;
        var guarded = new StringBuilder(untrusted.Length + 16);
        for (int i = 0; i < untrusted.Length; i++)
        {
            if ((i == 0 || i == contentStart) && ContinuesToken(untrusted.AsSpan(i), contentEnd - i))
            {
                guarded.Append(Mark);
            }

            int length = i + 1 < untrusted.Length && char.IsSurrogatePair(untrusted[i], untrusted[i + 1]) ? 2 : 1;
            Opening opening = OpeningAt(untrusted, i, length, contentEnd);
            for (int unit = 0; unit < length; unit++)
            {
                AppendUnit(guarded, untrusted[i + unit], opening == Opening.TokenOfOneCharacter);
            }

            if (opening == Opening.Token)
            {
                guarded.Append(Mark);
            }

            i += length - 1;
        }

        return guarded.Length == untrusted.Length ? untrusted : guarded.ToString();
    }

    /// <summary>Takes the marks out of one or more guarded texts, and of what stands between them.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "Guard and Unguard are a pair to their callers.")]
    public string Unguard(string text)
    {
        int position = text.AsSpan().IndexOfAny(Mark, Escape);
        if (position < 0)
        {
            return text;
        }

        var plain = new StringBuilder(text.Length);
        plain.Append(text, 0, position);
        for (int i = position; i < text.Length; i++)
        {
            if (text[i] == Escape && TryReadEscape(text.AsSpan(i + 1), out char unit))
            {
                plain.Append(unit);
                i += DigitCount;
            }
            else if (text[i] != Mark)
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }

    private static void AppendUnit(StringBuilder guarded, char unit, bool escape)
    {
        if (!escape && unit is not (Mark or Escape))
        {
            guarded.Append(unit);
            return;
        }

        guarded.Append(Escape);
        for (int shift = 12; shift >= 0; shift -= 4)
        {
            guarded.Append((char)(DigitZero + ((unit >> shift) & 15)));
        }
    }

    private static bool TryReadEscape(ReadOnlySpan<char> digits, out char unit)
    {
        int value = 0;
        for (int i = 0; i < DigitCount; i++)
        {
            if (i >= digits.Length || digits[i] is < DigitZero or > LastReserved)
            {
                unit = default;
                return false;
            }

            value = (value << 4) | (digits[i] - DigitZero);
        }

        unit = (char)value;
        return true;
    }

    /// <summary>Whether an added token begins here, within the text or beyond its end.</summary>
    private Opening OpeningAt(string text, int start, int firstCharacterLength, int contentEnd)
    {
        Opening opening = Opening.None;
        int node = AddedTokenTrie.Root;
        for (int i = start; i < text.Length && _trie.TryStep(ref node, text[i]); i++)
        {
            int end = i + 1;
            if (_trie.TokenAt(node) is not null && end - start == firstCharacterLength)
            {
                return Opening.TokenOfOneCharacter;
            }

            if (_trie.TokenAt(node) is not null || (_trie.HasChildren(node) && (end == text.Length || end == contentEnd)))
            {
                opening = Opening.Token;
            }
        }

        return opening;
    }

    /// <summary>Whether an added token that began before the text may go on in it.</summary>
    private bool ContinuesToken(ReadOnlySpan<char> text, int contentLength)
    {
        if (!_continuations.TryGetValue(text[0], out List<(string Text, int Position)>? places))
        {
            return false;
        }

        ReadOnlySpan<char> content = contentLength > 0 ? text[..contentLength] : text;
        foreach ((string token, int position) in places)
        {
            ReadOnlySpan<char> rest = token.AsSpan(position);
            if (text.StartsWith(rest, StringComparison.Ordinal) || rest.StartsWith(content, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
