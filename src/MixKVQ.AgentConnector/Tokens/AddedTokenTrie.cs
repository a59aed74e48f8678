namespace MixKVQ.AgentConnector.Tokens;

/// <summary>The texts of added tokens as a tree of UTF-16 units. Node 0 is the root. Immutable after construction.</summary>
internal sealed class AddedTokenTrie
{
    public const int Root = 0;

    private readonly Dictionary<(int Node, char Unit), int> _edges = [];
    private readonly List<Node> _nodes = [new()];

    /// <summary>Of two tokens with the same text the first wins.</summary>
    public AddedTokenTrie(IEnumerable<(string Text, AddedToken Token)> entries)
    {
        foreach ((string text, AddedToken token) in entries)
        {
            int node = Root;
            foreach (char unit in text)
            {
                if (!_edges.TryGetValue((node, unit), out int child))
                {
                    child = _nodes.Count;
                    _edges.Add((node, unit), child);
                    _nodes.Add(new());
                    _nodes[node].HasChildren = true;
                }

                node = child;
            }

            _nodes[node].Token ??= token;
        }
    }

    public bool TryStep(ref int node, char unit)
    {
        bool found = _edges.TryGetValue((node, unit), out int child);
        node = found ? child : node;
        return found;
    }

    /// <summary>The token whose text ends at the node.</summary>
    public AddedToken? TokenAt(int node) => _nodes[node].Token;

    public bool HasChildren(int node) => _nodes[node].HasChildren;

    private sealed class Node
    {
        public AddedToken? Token { get; set; }

        public bool HasChildren { get; set; }
    }
}
