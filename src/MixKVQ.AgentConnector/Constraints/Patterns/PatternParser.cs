using MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>
/// Reads the regular expressions of ECMA-262 (22.2.1) with the u flag. Like every browser without that flag it also takes
/// <c>{</c>, <c>}</c> and <c>]</c> that close or count nothing, and a hyphen beside a class escape, for themselves.
/// </summary>
internal sealed partial class PatternParser
{
    private readonly string _pattern;

    private int _at;

    private int _depth;

    private PatternParser(string pattern) => _pattern = pattern;

    private bool Ended => _at == _pattern.Length;

    public static PatternNode Parse(string pattern)
    {
        if (pattern.Length > PatternLimits.Length)
        {
            throw PatternLimits.Exceeded("characters", PatternLimits.Length);
        }

        PatternParser parser = new(pattern);
        PatternNode node = parser.ParseChoice();
        return parser.Ended ? node : throw parser.Malformed("a group is closed that was never opened");
    }

    private PatternNode ParseChoice()
    {
        List<PatternNode> choices = [ParseSequence()];
        while (Take("|"))
        {
            choices.Add(ParseSequence());
        }

        return choices.Count == 1 ? choices[0] : new ChoiceNode(choices);
    }

    private SequenceNode ParseSequence()
    {
        List<PatternNode> parts = [];
        while (!Ended && _pattern[_at] is not ('|' or ')'))
        {
            PatternNode part = ParseAtom();
            RepeatNode? repeated = ParseQuantifier(part);
            if (repeated is not null && part is AnchorNode)
            {
                throw Malformed("an anchor cannot be repeated");
            }

            parts.Add(repeated ?? part);
        }

        return new SequenceNode(parts);
    }

    private PatternNode ParseAtom()
    {
        char next = _pattern[_at];
        if (next is '*' or '+' or '?' || (next == '{' && CountedQuantifierLength() > 0))
        {
            throw Malformed($"there is nothing that '{next}' could repeat");
        }

        return next switch
        {
            '(' => ParseGroup(),
            '[' => new CharacterNode(ParseClass()),
            '.' => Taken(new CharacterNode(CharacterSets.Dot)),
            '^' => Taken(new AnchorNode(AtEnd: false)),
            '$' => Taken(new AnchorNode(AtEnd: true)),
            '\\' => new CharacterNode(ParseEscape(inClass: false).Set),
            _ => new CharacterNode(Single(TakeCodePoint())),
        };
    }

    private PatternNode ParseGroup()
    {
        int opened = _at;
        _at++;
        if (Take("?"))
        {
            ParseGroupKind();
        }

        if (++_depth > PatternLimits.Nesting)
        {
            throw PatternLimits.Exceeded("levels of groups", PatternLimits.Nesting);
        }

        PatternNode inner = ParseChoice();
        _depth--;
        if (!Take(")"))
        {
            _at = opened;
            throw Malformed("a group is never closed");
        }

        return inner;
    }

    private void ParseGroupKind()
    {
        if (Take(":"))
        {
            return;
        }

        if (Take("=") || Take("!") || Take("<=") || Take("<!"))
        {
            throw Unsupported("lookahead and lookbehind");
        }

        if (Take("<"))
        {
            int end = _pattern.IndexOf('>', _at);
            if (end <= _at || _pattern.AsSpan(_at..end).IndexOfAnyExcept(GroupNameCharacters) >= 0)
            {
                throw Malformed("a group's name must consist of letters, digits, '_' and '$' and end with '>'");
            }

            _at = end + 1;
            return;
        }

        throw !Ended && _pattern[_at] is 'i' or 'm' or 's' or '-' ? Unsupported("flags") : Malformed("'(?' begins no group that ECMA-262 knows");
    }

    /// <summary>The part repeated as the quantifier at hand says, or null where there is none.</summary>
    private RepeatNode? ParseQuantifier(PatternNode part)
    {
        RepeatNode? repeated = null;
        if (Take("*"))
        {
            repeated = new RepeatNode(part, 0, null);
        }
        else if (Take("+"))
        {
            repeated = new RepeatNode(part, 1, null);
        }
        else if (Take("?"))
        {
            repeated = new RepeatNode(part, 0, 1);
        }
        else if (CountedQuantifierLength() is > 0 and int length)
        {
            repeated = Counted(part, _pattern.AsSpan(_at + 1, length - 2));
            _at += length;
        }

        if (repeated is not null)
        {
            // A lazy quantifier matches the same texts.
            Take("?");
        }

        return repeated;
    }

    private RepeatNode Counted(PatternNode part, ReadOnlySpan<char> counts)
    {
        int comma = counts.IndexOf(',');
        int minimum = Count(comma < 0 ? counts : counts[..comma]);
        int? maximum = comma < 0 ? minimum : comma == counts.Length - 1 ? null : Count(counts[(comma + 1)..]);
        return maximum < minimum ? throw Malformed("a repetition's bounds are out of order") : new RepeatNode(part, minimum, maximum);
    }

    private static int Count(ReadOnlySpan<char> digits) =>
        int.TryParse(digits, out int count) && count <= PatternLimits.Positions ? count : throw PatternLimits.Exceeded("repetitions", PatternLimits.Positions);
}
