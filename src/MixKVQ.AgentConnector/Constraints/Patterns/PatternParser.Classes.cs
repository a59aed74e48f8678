namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <content>Character classes in brackets.</content>
internal sealed partial class PatternParser
{
    private CodePointSet ParseClass()
    {
        int opened = _at;
        _at++;
        bool negated = Take("^");
        List<CodePointRange> ranges = [];
        while (!Take("]"))
        {
            if (Ended)
            {
                _at = opened;
                throw Malformed("a character class is never closed");
            }

            AddClassPart(ranges);
        }

        CodePointSet set = CodePointSet.Of([.. ranges]);
        return negated ? set.Complement() : set;
    }

    /// <summary>One character, one escape or one range of characters.</summary>
    private void AddClassPart(List<CodePointRange> ranges)
    {
        (CodePointSet set, int? first) = ParseClassAtom();
        bool isRange = first is not null && _at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']';
        if (!isRange)
        {
            ranges.AddRange(set.Ranges);
            return;
        }

        _at++;
        (CodePointSet lastSet, int? last) = ParseClassAtom();
        if (last is null)
        {
            ranges.AddRange([.. set.Ranges, new CodePointRange('-', '-'), .. lastSet.Ranges]);
        }
        else
        {
            ranges.Add(first <= last ? new CodePointRange(first!.Value, last.Value) : throw Malformed("a range of characters is out of order"));
        }
    }

    private (CodePointSet Set, int? Character) ParseClassAtom()
    {
        if (_pattern[_at] == '\\')
        {
            return ParseEscape(inClass: true);
        }

        int character = TakeCodePoint();
        return (Single(character), character);
    }
}
