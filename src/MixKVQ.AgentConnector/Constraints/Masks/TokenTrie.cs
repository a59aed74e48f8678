namespace MixKVQ.AgentConnector.Constraints.Masks;

/// <summary>
/// Byte strings as a tree in depth-first order: a node's first child is the next node, and <see cref="End"/> jumps to its
/// next sibling. Node 0 is the root. Immutable.
/// </summary>
internal sealed class TokenTrie
{
    private readonly byte[] _labels;
    private readonly int[] _ends;
    private readonly int[] _tokenStarts;
    private readonly int[] _tokens;

    /// <param name="tokens">The ids, in any order.</param>
    /// <param name="bytesOf">The bytes of each, not empty unless the root is to hold it.</param>
    public TokenTrie(int[] tokens, Func<int, ReadOnlyMemory<byte>> bytesOf)
    {
        var texts = new ReadOnlyMemory<byte>[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            texts[i] = bytesOf(tokens[i]);
        }

        _tokens = (int[])tokens.Clone();
        Array.Sort(texts, _tokens, Comparer<ReadOnlyMemory<byte>>.Create((left, right) => left.Span.SequenceCompareTo(right.Span)));
        var labels = new List<byte> { 0 };
        var ends = new List<int> { 0 };
        var starts = new List<int> { 0 };
        var path = new List<int> { 0 };
        ReadOnlySpan<byte> previous = [];
        for (int i = 0; i < texts.Length; i++)
        {
            ReadOnlySpan<byte> text = texts[i].Span;
            int shared = previous.CommonPrefixLength(text);
            for (; path.Count > shared + 1; path.RemoveAt(path.Count - 1))
            {
                ends[path[^1]] = labels.Count;
            }

            for (int position = shared; position < text.Length; position++)
            {
                path.Add(labels.Count);
                labels.Add(text[position]);
                ends.Add(0);
                starts.Add(i);
            }

            previous = text;
        }

        foreach (int node in path)
        {
            ends[node] = labels.Count;
        }

        starts.Add(texts.Length);
        _labels = [.. labels];
        _ends = [.. ends];
        _tokenStarts = [.. starts];
    }

    public int NodeCount => _labels.Length;

    /// <summary>The byte that leads to a node.</summary>
    public byte Label(int node) => _labels[node];

    /// <summary>One after the last node below this one.</summary>
    public int End(int node) => _ends[node];

    /// <summary>The tokens that end at a node: its own come before those of its children, which come before the next node's.</summary>
    public ReadOnlySpan<int> TokensAt(int node) => _tokens.AsSpan(_tokenStarts[node], _tokenStarts[node + 1] - _tokenStarts[node]);

    /// <summary>The child that a byte leads to, or -1.</summary>
    public int Child(int node, byte value)
    {
        for (int child = node + 1; child < _ends[node]; child = _ends[child])
        {
            if (_labels[child] >= value)
            {
                return _labels[child] == value ? child : -1;
            }
        }

        return -1;
    }
}
