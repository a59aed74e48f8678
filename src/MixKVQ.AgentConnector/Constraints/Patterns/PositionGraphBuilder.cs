using MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Thompson's construction, from the end of the pattern to its start. Counted repetitions are written out.</summary>
internal sealed class PositionGraphBuilder
{
    private readonly List<Position> _positions = [];

    private readonly List<CodePointSet> _sets = [];

    private readonly Dictionary<CodePointSet, int> _setIndices = [];

    private int _builtNodes;

    private PositionGraphBuilder() => IndexOf(CodePointSet.Any);

    /// <summary>The automaton of the texts in which the pattern matches somewhere.</summary>
    public static PositionGraph Build(PatternNode pattern)
    {
        PositionGraphBuilder builder = new();
        int matched = builder.Add(new Position(PositionKind.Matched, 0, -1, -1));
        int begin = builder.Build(pattern, matched);
        int search = builder.Add(default);
        int skip = builder.Add(new Position(PositionKind.Character, builder.IndexOf(CodePointSet.Any), search, -1));
        builder._positions[search] = new Position(PositionKind.Split, 0, begin, skip);
        return new PositionGraph(builder._positions, builder._sets, search);
    }

    /// <summary>Where <paramref name="node"/> begins that goes on at <paramref name="next"/>.</summary>
    private int Build(PatternNode node, int next)
    {
        // Counts nodes too: an empty group adds no position, however often it is repeated.
        if (++_builtNodes > 2 * PatternLimits.Positions)
        {
            throw PatternLimits.Exceeded("parts with its repetitions written out", 2 * PatternLimits.Positions);
        }

        switch (node)
        {
            case CharacterNode character:
                return Add(new Position(PositionKind.Character, IndexOf(character.Set), next, -1));
            case AnchorNode anchor:
                return Add(new Position(anchor.AtEnd ? PositionKind.End : PositionKind.Start, 0, next, -1));
            case SequenceNode sequence:
                return sequence.Parts.Reverse().Aggregate(next, (following, part) => Build(part, following));
            case ChoiceNode choice:
                return BuildChoice(choice, next);
            case RepeatNode repeat:
                return BuildRepeat(repeat, next);
            default:
                throw new InvalidOperationException($"Unknown part of a pattern: {node}.");
        }
    }

    private int BuildChoice(ChoiceNode choice, int next)
    {
        int begin = Build(choice.Choices[^1], next);
        for (int i = choice.Choices.Count - 2; i >= 0; i--)
        {
            begin = Split(Build(choice.Choices[i], next), begin);
        }

        return begin;
    }

    private int BuildRepeat(RepeatNode repeat, int next)
    {
        int begin = next;
        if (repeat.Maximum is int maximum)
        {
            for (int i = repeat.Minimum; i < maximum; i++)
            {
                begin = Split(Build(repeat.Part, begin), next);
            }
        }
        else
        {
            begin = Add(default);
            int body = Build(repeat.Part, begin);
            _positions[begin] = new Position(PositionKind.Split, 0, body, next);
        }

        for (int i = 0; i < repeat.Minimum; i++)
        {
            begin = Build(repeat.Part, begin);
        }

        return begin;
    }

    private int Split(int one, int other) => Add(new Position(PositionKind.Split, 0, one, other));

    private int Add(Position position)
    {
        if (_positions.Count == PatternLimits.Positions)
        {
            throw PatternLimits.Exceeded("characters with its repetitions written out", PatternLimits.Positions);
        }

        _positions.Add(position);
        return _positions.Count - 1;
    }

    private int IndexOf(CodePointSet set)
    {
        if (!_setIndices.TryGetValue(set, out int index))
        {
            index = _sets.Count;
            _sets.Add(set);
            _setIndices.Add(set, index);
        }

        return index;
    }
}
