namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A set of byte strings as a tree; node 0 is the root. The literals are numbered in their order. Immutable.</summary>
internal sealed class LiteralTree
{
    private readonly List<SortedDictionary<byte, int>> _children = [[]];
    private readonly List<int> _literals = [-1];
    private readonly List<int> _ends = [0];
    private readonly List<int> _firsts = [0];
    private readonly int[] _distances;

    /// <param name="literals">In the order of their bytes, none twice.</param>
    public LiteralTree(IReadOnlyList<byte[]> literals)
    {
        Count = literals.Count;
        for (int index = 0; index < literals.Count; index++)
        {
            int node = 0;
            _ends[0] = index + 1;
            foreach (byte value in literals[index])
            {
                if (!_children[node].TryGetValue(value, out int child))
                {
                    child = _children.Count;
                    _children[node].Add(value, child);
                    _children.Add([]);
                    _literals.Add(-1);
                    _firsts.Add(index);
                    _ends.Add(index);
                }

                node = child;
                _ends[node] = index + 1;
            }

            _literals[node] = index;
        }

        _distances = new int[_children.Count];
        for (int node = _distances.Length - 1; node >= 0; node--)
        {
            _distances[node] = _literals[node] >= 0 ? 0 : _children[node].Values.Select(child => _distances[child] + 1).DefaultIfEmpty(Rule.Never).Min();
        }
    }

    /// <summary>How many literals there are.</summary>
    public int Count { get; }

    /// <summary>The node after one more byte, or -1.</summary>
    public int Next(int node, byte value) => _children[node].TryGetValue(value, out int child) ? child : -1;

    /// <summary>The literals at or below a node.</summary>
    public (int First, int End) LiteralsBelow(int node) => (_firsts[node], _ends[node]);

    /// <summary>The literal that ends at a node, or -1.</summary>
    public int LiteralAt(int node) => _literals[node];

    /// <summary>How many bytes are missing to the nearest end of a literal.</summary>
    public int DistanceFrom(int node) => _distances[node];
}
