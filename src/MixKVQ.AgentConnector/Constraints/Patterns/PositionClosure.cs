using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Follows a graph's ways that read nothing.</summary>
internal sealed class PositionClosure
{
    private readonly PositionGraph _graph;

    /// <summary>Positions from which the pattern can still match once a character was read, that is without passing <c>^</c>.</summary>
    private readonly bool[] _useful;

    /// <summary>The round in which a position was last met.</summary>
    private readonly int[] _met;

    private readonly Stack<int> _open = new();

    private readonly List<int> _found = [];

    private int _round;

    public PositionClosure(PositionGraph graph)
    {
        _graph = graph;
        _met = new int[graph.Positions.Count];
        _useful = FindUseful(graph);
    }

    /// <summary>How many positions the last call met.</summary>
    public int Visited { get; private set; }

    /// <summary>The sorted positions reached that read, wait for the end or have matched; a match alone where there is one, since it outlasts all else. Valid until the next call.</summary>
    public ReadOnlySpan<int> Of(ReadOnlySpan<int> from, bool atStart)
    {
        _found.Clear();
        Follow(from, atStart, atEnd: false);
        int matched = _found.FindIndex(index => _graph.Positions[index].Kind == PositionKind.Matched);
        if (matched >= 0)
        {
            return CollectionsMarshal.AsSpan(_found).Slice(matched, 1);
        }

        _found.Sort();
        return CollectionsMarshal.AsSpan(_found);
    }

    /// <summary>Whether the text may end here.</summary>
    public bool Accepts(ReadOnlySpan<int> from, bool atStart)
    {
        _found.Clear();
        Follow(from, atStart, atEnd: true);
        return _found.Exists(index => _graph.Positions[index].Kind == PositionKind.Matched);
    }

    private void Follow(ReadOnlySpan<int> from, bool atStart, bool atEnd)
    {
        _round++;
        Visited = 0;
        foreach (int index in from)
        {
            Meet(index);
        }

        while (_open.TryPop(out int index))
        {
            Position position = _graph.Positions[index];
            if (position.Kind == PositionKind.Split)
            {
                Meet(position.Next);
                Meet(position.Other);
            }
            else if ((position.Kind == PositionKind.Start && atStart) || (position.Kind == PositionKind.End && atEnd))
            {
                Meet(position.Next);
            }
            else if (position.Kind != PositionKind.Start && (_useful[index] || position.Kind == PositionKind.Matched))
            {
                _found.Add(index);
            }
        }
    }

    private void Meet(int index)
    {
        if (_met[index] != _round)
        {
            _met[index] = _round;
            Visited++;
            _open.Push(index);
        }
    }

    private static bool[] FindUseful(PositionGraph graph)
    {
        ILookup<int, int> before = graph.Positions.Index()
            .Where(item => item.Item.Kind is not (PositionKind.Start or PositionKind.Matched))
            .SelectMany(item => item.Item.Kind == PositionKind.Split ? [(item.Item.Next, item.Index), (item.Item.Other, item.Index)] : new[] { (item.Item.Next, item.Index) })
            .ToLookup(edge => edge.Item1, edge => edge.Item2);
        bool[] useful = new bool[graph.Positions.Count];
        Stack<int> open = new(graph.Positions.Index().Where(item => item.Item.Kind == PositionKind.Matched).Select(item => item.Index));
        while (open.TryPop(out int index))
        {
            if (!useful[index])
            {
                useful[index] = true;
                foreach (int previous in before[index])
                {
                    open.Push(previous);
                }
            }
        }

        return useful;
    }
}
