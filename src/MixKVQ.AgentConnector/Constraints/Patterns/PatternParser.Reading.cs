using System.Buffers;
using System.Text;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <content>Steps through the pattern and says what is wrong with it.</content>
internal sealed partial class PatternParser
{
    private const int ExcerptLength = 80;

    private static readonly SearchValues<char> GroupNameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$");

    private static CodePointSet Single(int codePoint) => CodePointSet.Of(new CodePointRange(codePoint, codePoint));

    private bool Take(string expected)
    {
        bool there = _pattern.AsSpan(_at).StartsWith(expected, StringComparison.Ordinal);
        _at += there ? expected.Length : 0;
        return there;
    }

    private T Taken<T>(T result)
    {
        _at++;
        return result;
    }

    private int TakeCodePoint()
    {
        if (Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out Rune rune, out int length) != OperationStatus.Done)
        {
            throw Malformed("half a surrogate pair stands alone");
        }

        _at += length;
        return rune.Value;
    }

    /// <summary>The length of <c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c> at hand, or 0 where there is none.</summary>
    private int CountedQuantifierLength()
    {
        if (Ended || _pattern[_at] != '{')
        {
            return 0;
        }

        int at = SkipDigits(_at + 1);
        if (at == _at + 1)
        {
            return 0;
        }

        if (at < _pattern.Length && _pattern[at] == ',')
        {
            at = SkipDigits(at + 1);
        }

        return at < _pattern.Length && _pattern[at] == '}' ? at + 1 - _at : 0;
    }

    private int SkipDigits(int at)
    {
        while (at < _pattern.Length && char.IsAsciiDigit(_pattern[at]))
        {
            at++;
        }

        return at;
    }

    private FormatException Malformed(string what) => new($"The pattern {Quoted()} is no regular expression: at character {_at}, {what}.");

    private NotSupportedException Unsupported(string what) =>
        new($"The pattern {Quoted()} cannot constrain generation: at character {_at} it uses what is not supported: {what}. Rewrite it without.");

    private string Quoted() => _pattern.Length <= ExcerptLength ? $"'{_pattern}'" : $"'{_pattern[..ExcerptLength]}…'";
}
