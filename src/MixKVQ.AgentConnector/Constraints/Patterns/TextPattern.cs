using System.Text;
using MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>
/// A set of texts as a minimal deterministic automaton over Unicode scalar values. Some accepted text goes on from every state.
/// Immutable and safe to share between threads.
/// </summary>
internal sealed class TextPattern
{
    private readonly TransitionTable _table;

    private readonly int[] _targets;

    private readonly Alphabet _alphabet;

    private readonly int _classCount;

    private readonly int[] _shortest;

    private readonly int[] _longest;

    /// <summary>For each state the code point with which a shortest rest begins, or −1 at its end.</summary>
    private readonly int[] _steps;

    private TextPattern(TransitionTable found)
    {
        _table = StateMerging.Run(StateTrimming.Run(found));
        _targets = _table.Targets;
        _alphabet = _table.Alphabet;
        _classCount = _alphabet.ClassCount;
        List<int>[] predecessors = _table.Predecessors();
        _shortest = Distances.Shortest(_table, predecessors);
        _longest = Distances.Longest(_table, predecessors);
        _steps = ShortestSteps();
    }

    public bool IsEmpty => StateCount == 0;

    public int StateCount => _table.StateCount;

    /// <summary>Where a text begins; −1, a state of no pattern, where the pattern is empty.</summary>
    public int Start => IsEmpty ? -1 : 0;

    /// <summary>
    /// Compiles a regular expression of ECMA-262 with the u flag, as JSON Schema's <c>pattern</c> has it: it may match anywhere in the
    /// text unless it is anchored.
    /// </summary>
    /// <exception cref="FormatException">It is no such expression.</exception>
    /// <exception cref="NotSupportedException">It uses lookaround, backreferences, word boundaries or flags, or is too large.</exception>
    public static TextPattern Compile(string pattern) => new(SubsetConstruction.Run(PositionGraphBuilder.Build(PatternParser.Parse(pattern))));

    /// <summary>The valid texts of a JSON Schema format, or a sensible part of them; null for an unknown format.</summary>
    public static TextPattern? ForFormat(string format) => StringFormats.Find(format);

    /// <summary>The texts that both patterns accept, possibly none.</summary>
    /// <exception cref="NotSupportedException">The result is too large.</exception>
    public TextPattern Intersect(TextPattern other) => new(ProductConstruction.Run(_table, other._table));

    /// <summary>The state behind a code point, or −1 where no accepted text goes on so.</summary>
    public int Next(int state, int codePoint) => _targets[(state * _classCount) + _alphabet.ClassOf(codePoint)];

    /// <summary>Whether the text may end here.</summary>
    public bool IsAccepting(int state) => _table.Accepting[state];

    /// <summary>The fewest code points to a state where the text may end.</summary>
    public int ShortestDistance(int state) => _shortest[state];

    /// <summary>The most code points that may still follow; null where there is no bound.</summary>
    public int? LongestDistance(int state) => _longest[state] == Distances.Unbounded ? null : _longest[state];

    /// <summary>A shortest accepted rest, of letters and digits where it can be.</summary>
    public string ShortestText(int state)
    {
        StringBuilder text = new();
        while (_steps[state] >= 0)
        {
            text.Append(new Rune(_steps[state]));
            state = Next(state, _steps[state]);
        }

        return text.ToString();
    }

    /// <summary>Stretches of code points that no state tells apart, in their order; together they are all code points.</summary>
    public IEnumerable<(int First, int Last)> Intervals() => _alphabet.Intervals();

    public bool IsMatch(ReadOnlySpan<char> text)
    {
        int state = Start;
        while (state >= 0 && !text.IsEmpty)
        {
            // A lone surrogate is no scalar value: it leads nowhere.
            bool whole = Rune.DecodeFromUtf16(text, out Rune rune, out int length) == System.Buffers.OperationStatus.Done;
            state = whole ? Next(state, rune.Value) : -1;
            text = text[length..];
        }

        return state >= 0 && IsAccepting(state);
    }

    private int[] ShortestSteps()
    {
        int[] representatives = _alphabet.Representatives();
        int[] steps = new int[StateCount];
        for (int state = 0; state < steps.Length; state++)
        {
            ReadOnlySpan<int> targets = _table.From(state);
            int best = -1;
            for (int kind = 0; kind < targets.Length; kind++)
            {
                bool nearer = targets[kind] >= 0 && _shortest[targets[kind]] == _shortest[state] - 1;
                if (nearer && (best < 0 || Readability.Compare(representatives[kind], best) < 0))
                {
                    best = representatives[kind];
                }
            }

            steps[state] = best;
        }

        return steps;
    }
}
