using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>
/// Makes an automaton deterministic. A state is the set of positions that read, wait for the end or have matched. <c>^</c> can be
/// passed before the first character only, and <c>$</c> when a state is asked whether it accepts.
/// </summary>
internal sealed class SubsetConstruction
{
    /// <summary>Steps that a kept position counts for: it bounds the memory too.</summary>
    private const int KeptPositionSteps = 8;

    private readonly PositionGraph _graph;

    private readonly int[][] _classesOfSets;

    private readonly TransitionTableBuilder _table;

    private readonly PositionClosure _closure;

    private readonly Dictionary<int[], int> _states = new(PositionSetComparer.Instance);

    private readonly Queue<(int State, int[] Positions)> _pending = new();

    private readonly List<int>[] _reached;

    private int _steps;

    private SubsetConstruction(PositionGraph graph)
    {
        _graph = graph;
        (Alphabet alphabet, _classesOfSets) = Alphabet.Of(graph.Sets);
        _table = new TransitionTableBuilder(alphabet);
        _closure = new PositionClosure(graph);
        _reached = [.. Enumerable.Range(0, alphabet.ClassCount).Select(_ => new List<int>())];
    }

    public static TransitionTable Run(PositionGraph graph) => new SubsetConstruction(graph).Run();

    private TransitionTable Run()
    {
        // The first state is not looked up: only there may ^ be passed on the way to acceptance.
        int[] first = [.. _closure.Of([_graph.Start], atStart: true)];
        _pending.Enqueue((_table.Add(_closure.Accepts([_graph.Start], atStart: true)), first));
        while (_pending.TryDequeue(out (int State, int[] Positions) state))
        {
            Expand(state.State, state.Positions);
        }

        return _table.Build();
    }

    private void Expand(int state, int[] positions)
    {
        foreach (int index in positions)
        {
            Position position = _graph.Positions[index];
            if (position.Kind is PositionKind.Character or PositionKind.Matched)
            {
                int[] classes = _classesOfSets[position.Set];
                Count(classes.Length);
                foreach (int kind in classes)
                {
                    _reached[kind].Add(position.Kind == PositionKind.Matched ? index : position.Next);
                }
            }
        }

        // Neighbouring classes often reach the same.
        ReadOnlySpan<int> before = [];
        int target = -1;
        for (int kind = 0; kind < _reached.Length; kind++)
        {
            ReadOnlySpan<int> reached = CollectionsMarshal.AsSpan(_reached[kind]);
            target = reached.SequenceEqual(before) ? target : Find(reached);
            _table.Lead(state, kind, target);
            before = reached;
        }

        foreach (List<int> reached in _reached)
        {
            reached.Clear();
        }
    }

    /// <summary>The state of those positions and all that follow without reading; −1 where nothing does.</summary>
    private int Find(ReadOnlySpan<int> reached)
    {
        ReadOnlySpan<int> found = _closure.Of(reached, atStart: false);
        Count(_closure.Visited);
        if (found.IsEmpty)
        {
            return -1;
        }

        if (!_states.GetAlternateLookup<ReadOnlySpan<int>>().TryGetValue(found, out int state))
        {
            int[] positions = [.. found];
            state = _table.Add(_closure.Accepts(positions, atStart: false));
            Count(_closure.Visited + (KeptPositionSteps * positions.Length));
            _states.Add(positions, state);
            _pending.Enqueue((state, positions));
        }

        return state;
    }

    private void Count(int steps)
    {
        _steps += steps;
        if (_steps > PatternLimits.Steps)
        {
            throw PatternLimits.Exceeded("steps to make it an automaton", PatternLimits.Steps);
        }
    }
}
