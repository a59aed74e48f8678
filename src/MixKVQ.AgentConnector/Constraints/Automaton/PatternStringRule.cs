using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// A string whose text a pattern accepts. Each character is written in one way: itself, or for quotes, backslashes and the
/// white space that must be escaped its two-character escape.
/// </summary>
internal sealed class PatternStringRule : StringRule
{
    /// <summary>The characters that have an escape of two, in the order of <see cref="EscapeLetters"/>.</summary>
    private const string Escaped = "\"\\\b\f\n\r\t";

    private static readonly Lazy<TextPattern> Writable = new(() => TextPattern.Compile(@"^[^\u0000-\u0007\u000b\u000e-\u001f]*$"));
    private static readonly Lazy<TextPattern> Unescaped = new(() => TextPattern.Compile(@"^[^\u0000-\u001f""\\]*$"));

    private readonly TextPattern _pattern;
    private readonly (int First, int Last)[] _intervals;
    private readonly int[] _distances;

    /// <param name="pattern">The texts.</param>
    /// <param name="hasEscapes">Whether characters that need an escape may occur.</param>
    public PatternStringRule(TextPattern pattern, bool hasEscapes = true)
    {
        _pattern = pattern.Intersect((hasEscapes ? Writable : Unescaped).Value);
        _intervals = [.. _pattern.Intervals()];
        _distances = PatternDistances.Measure(_pattern, _intervals);
    }

    /// <inheritdoc/>
    public override StringPosition Start => new(JsonLexer.Plain, _pattern.Start);

    private static ReadOnlySpan<byte> EscapeLetters => "\"\\bfnrt"u8;

    /// <summary>The bytes in which a character is written.</summary>
    public static int WrittenBytes(int codePoint) => codePoint switch
    {
        '"' or '\\' or < 0x20 => 2,
        < 0x80 => 1,
        < 0x800 => 2,
        < 0x10000 => 3,
        _ => 4,
    };

    /// <inheritdoc/>
    public override bool Accepts(StringPosition position) =>
        position.Lexical == JsonLexer.Plain && position.State >= 0 && _pattern.IsAccepting(position.State);

    /// <inheritdoc/>
    public override bool TryStep(StringPosition position, byte value, out StringPosition next)
    {
        next = position;
        int lexical = position.Lexical;
        int character = value;
        if (position.State < 0)
        {
            return false;
        }

        if (lexical == JsonLexer.Plain)
        {
            lexical = JsonLexer.Begin(value);
        }
        else if (lexical == JsonLexer.Escape)
        {
            int letter = EscapeLetters.IndexOf(value);
            lexical = letter < 0 ? -1 : JsonLexer.Plain;
            character = letter < 0 ? 0 : Escaped[letter];
        }
        else
        {
            lexical = JsonLexer.StepUtf(lexical, value, out character);
        }

        if (lexical == JsonLexer.Plain)
        {
            int state = _pattern.Next(position.State, character);
            next = new StringPosition(JsonLexer.Plain, state);
            return state >= 0;
        }

        next = new StringPosition(lexical, position.State);
        return lexical > 0 && Missing(next) < Never;
    }

    /// <inheritdoc/>
    public override int Missing(StringPosition position)
    {
        if (position.State < 0)
        {
            return Never;
        }

        return position.Lexical switch
        {
            JsonLexer.Plain => _distances[position.State],
            JsonLexer.Escape => MissingInEscape(position.State),
            _ => MissingInCharacter(position),
        };
    }

    private int MissingInEscape(int state)
    {
        int best = Never;
        foreach (char character in Escaped)
        {
            int next = _pattern.Next(state, character);
            best = next >= 0 ? Math.Min(best, _distances[next] + 1) : best;
        }

        return best;
    }

    private int MissingInCharacter(StringPosition position)
    {
        (int first, int last) = JsonLexer.Range(position.Lexical);
        int best = Never;
        int index = Array.BinarySearch(_intervals, (first, int.MaxValue));
        for (index = Math.Max(0, ~index - 1); index < _intervals.Length && _intervals[index].First <= last; index++)
        {
            int next = _pattern.Next(position.State, Math.Max(first, _intervals[index].First));
            best = next >= 0 ? Math.Min(best, _distances[next]) : best;
        }

        return best >= Never ? Never : best + JsonLexer.UtfRemaining(position.Lexical);
    }
}
