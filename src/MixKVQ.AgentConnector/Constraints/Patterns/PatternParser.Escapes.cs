using System.Globalization;
using System.Text;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <content>Escapes (ECMA-262, AtomEscape and ClassEscape).</content>
internal sealed partial class PatternParser
{
    /// <summary>Reads an escape. <c>Character</c> is null where it stands for a class of characters.</summary>
    private (CodePointSet Set, int? Character) ParseEscape(bool inClass)
    {
        _at++;
        if (Ended)
        {
            throw Malformed("a backslash stands at the end");
        }

        char kind = _pattern[_at];
        CodePointSet? set = kind switch
        {
            'd' => CharacterSets.Digit,
            'D' => CharacterSets.Digit.Complement(),
            'w' => CharacterSets.Word,
            'W' => CharacterSets.Word.Complement(),
            's' => CharacterSets.Space,
            'S' => CharacterSets.Space.Complement(),
            _ => null,
        };
        if (set is not null)
        {
            return Taken<(CodePointSet, int?)>((set, null));
        }

        if (kind is 'p' or 'P')
        {
            return (ParseProperty(), null);
        }

        int character = ParseCharacterEscape(kind, inClass);
        return (Single(character), character);
    }

    private int ParseCharacterEscape(char kind, bool inClass)
    {
        switch (kind)
        {
            case 't':
                return Taken('\t');
            case 'n':
                return Taken('\n');
            case 'v':
                return Taken('\v');
            case 'f':
                return Taken('\f');
            case 'r':
                return Taken('\r');
            case 'b' when inClass:
                return Taken('\b');
            case 'b' or 'B':
                throw Unsupported("word boundaries");
            case 'k' or (>= '1' and <= '9'):
                throw Unsupported("backreferences");
            case '0':
                _at++;
                return Ended || !char.IsAsciiDigit(_pattern[_at]) ? 0 : throw Malformed("octal escapes are not part of ECMA-262 with the u flag");
            case 'c':
                _at++;
                return !Ended && char.IsAsciiLetter(_pattern[_at]) ? Taken(_pattern[_at] % 32) : throw Malformed("'\\c' needs a letter");
            case 'x':
                _at++;
                return TakeHex(2);
            case 'u':
                _at++;
                return ParseUnicodeEscape();
            default:
                // Other dialects give further letters a meaning (\A, \z, \h); none may be taken for itself.
                return char.IsAsciiLetter(kind) ? throw Malformed($"'\\{kind}' is no escape of ECMA-262") : TakeCodePoint();
        }
    }

    /// <summary>Behind <c>\u</c>: <c>{H…}</c>, <c>HHHH</c>, or a surrogate pair of two such escapes.</summary>
    private int ParseUnicodeEscape()
    {
        int value;
        if (Take("{"))
        {
            int end = _pattern.IndexOf('}', _at);
            value = end > _at ? TakeHex(end - _at) : throw Malformed("'\\u{' needs hexadecimal digits and '}'");
            _at++;
        }
        else
        {
            value = TakeHex(4);
            if (char.IsHighSurrogate((char)value) && Take("\\u"))
            {
                int low = TakeHex(4);
                return char.IsLowSurrogate((char)low) ? char.ConvertToUtf32((char)value, (char)low) : throw Unsupported("halves of surrogate pairs");
            }
        }

        return value > CodePointSet.MaxCodePoint
            ? throw Malformed("the code point lies beyond U+10FFFF")
            : Rune.IsValid(value) ? value : throw Unsupported("halves of surrogate pairs");
    }

    private int TakeHex(int digits)
    {
        if (_at + digits > _pattern.Length
            || _pattern.AsSpan(_at, digits).IndexOfAnyExcept(System.Buffers.SearchValues.Create("0123456789abcdefABCDEF")) >= 0
            || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, null, out int value)
            || value < 0)
        {
            throw Malformed($"{digits} hexadecimal digits of a code point are needed");
        }

        _at += digits;
        return value;
    }

    /// <summary><c>\p{…}</c> or <c>\P{…}</c> with a general category.</summary>
    private CodePointSet ParseProperty()
    {
        bool negated = _pattern[_at] == 'P';
        _at++;
        int end = Take("{") ? _pattern.IndexOf('}', _at) : -1;
        if (end < 0)
        {
            throw Malformed("'\\p' needs a property's name in braces");
        }

        CodePointSet set = GeneralCategories.Find(_pattern[_at..end]) ?? throw Unsupported("Unicode properties other than general categories");
        _at = end + 1;
        return negated ? set.Complement() : set;
    }
}
