namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>
/// Merges the states that accept the same texts, by Hopcroft's partition refinement. It takes a trimmed automaton; the missing ways
/// are not followed, for which every block must be a splitter at first (Valmari and Lehtinen, Efficient minimization of DFAs with
/// partial transition functions, 2008).
/// </summary>
internal sealed class StateMerging
{
    private readonly TransitionTable _table;

    private readonly int _classCount;

    /// <summary>States in the order of their blocks, and each state's place there.</summary>
    private readonly int[] _order;

    private readonly int[] _places;

    private readonly int[] _blocks;

    private readonly List<(int First, int Count)> _spans = [];

    private readonly Stack<int> _splitters = new();

    /// <summary>For each block how many of its states a split moved to the front, and the blocks where it is not 0.</summary>
    private readonly int[] _moved;

    private readonly List<int> _touched = [];


    /// <summary>Edges sorted by class and target: those of class c into state s are <c>_sources[_edgeStarts[c × states + s] …]</c>.</summary>
    private readonly int[] _edgeStarts;

    private readonly int[] _sources;

    private StateMerging(TransitionTable table)
    {
        _table = table;
        _classCount = table.Alphabet.ClassCount;
        _order = [.. Enumerable.Range(0, table.StateCount).OrderBy(state => table.Accepting[state])];
        _places = new int[table.StateCount];
        _blocks = new int[table.StateCount];
        _moved = new int[table.StateCount];
        for (int place = 0; place < _order.Length; place++)
        {
            _places[_order[place]] = place;
        }

        _edgeStarts = new int[(_classCount * table.StateCount) + 1];
        _sources = SortEdges();
    }

    public static TransitionTable Run(TransitionTable table) => table.StateCount < 2 ? table : new StateMerging(table).Run();

    private TransitionTable Run()
    {
        int rejecting = _table.Accepting.Count(accepts => !accepts);
        AddBlock(0, rejecting);
        AddBlock(rejecting, _table.StateCount - rejecting);
        while (_splitters.TryPop(out int splitter))
        {
            int[] members = [.. _order.AsSpan(_spans[splitter].First, _spans[splitter].Count)];
            for (int kind = 0; kind < _classCount; kind++)
            {
                SplitByEdgesInto(members, kind);
            }
        }

        return Merged();
    }

    private void SplitByEdgesInto(int[] members, int kind)
    {
        // Moves the sources to the front of their blocks, then cuts the blocks there.
        foreach (int member in members)
        {
            int edges = (kind * _table.StateCount) + member;
            foreach (int source in _sources.AsSpan(_edgeStarts[edges].._edgeStarts[edges + 1]))
            {
                int block = _blocks[source];
                Swap(_places[source], _spans[block].First + _moved[block]);
                if (_moved[block]++ == 0)
                {
                    _touched.Add(block);
                }
            }
        }

        foreach (int block in _touched)
        {
            Cut(block, _moved[block]);
            _moved[block] = 0;
        }

        _touched.Clear();
    }

    private void Cut(int block, int count)
    {
        (int first, int all) = _spans[block];
        if (count == all)
        {
            return;
        }

        // The smaller half becomes the new block: it always has to split again, the larger only if it was going to anyway.
        bool frontIsSmaller = count <= all - count;
        _spans[block] = frontIsSmaller ? (first + count, all - count) : (first, count);
        AddBlock(frontIsSmaller ? first : first + count, frontIsSmaller ? count : all - count);
    }

    private void AddBlock(int first, int count)
    {
        if (count == 0)
        {
            return;
        }

        int block = _spans.Count;
        _spans.Add((first, count));
        _splitters.Push(block);
        foreach (int state in _order.AsSpan(first, count))
        {
            _blocks[state] = block;
        }
    }

    private void Swap(int place, int other)
    {
        (_order[place], _order[other]) = (_order[other], _order[place]);
        _places[_order[place]] = place;
        _places[_order[other]] = other;
    }

    private int[] SortEdges()
    {
        for (int edge = 0; edge < _table.Targets.Length; edge++)
        {
            if (_table.Targets[edge] >= 0)
            {
                _edgeStarts[EdgeKey(edge) + 1]++;
            }
        }

        for (int key = 1; key < _edgeStarts.Length; key++)
        {
            _edgeStarts[key] += _edgeStarts[key - 1];
        }

        int[] sources = new int[_edgeStarts[^1]];
        int[] next = [.. _edgeStarts];
        for (int edge = 0; edge < _table.Targets.Length; edge++)
        {
            if (_table.Targets[edge] >= 0)
            {
                sources[next[EdgeKey(edge)]++] = edge / _classCount;
            }
        }

        return sources;
    }

    private int EdgeKey(int edge) => (edge % _classCount * _table.StateCount) + _table.Targets[edge];

    private TransitionTable Merged()
    {
        // Blocks take the order of their first states, so that the automaton begins in state 0 again.
        int[] numbers = new int[_spans.Count];
        Array.Fill(numbers, -1);
        List<int> firsts = [];
        for (int state = 0; state < _table.StateCount; state++)
        {
            if (numbers[_blocks[state]] < 0)
            {
                numbers[_blocks[state]] = firsts.Count;
                firsts.Add(state);
            }
        }

        return _table.Select(firsts, state => numbers[_blocks[state]]);
    }
}
