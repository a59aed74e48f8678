using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Constraints.Automaton;

namespace MixKVQ.AgentConnector.Constraints.Masks;

/// <summary>
/// All tokens that may come at one place of a string, whatever lies below it: those that stay inside, and those that close it,
/// by what they hold behind the quote. Immutable.
/// </summary>
internal sealed class StringTokens
{
    private readonly int _words;
    private readonly int[] _inside;
    private readonly int[] _insideCounts;
    private readonly int[] _exits;
    private readonly int[] _exitCounts;
    private readonly int[] _exitStarts;
    private readonly ulong[] _all;
    private readonly ConcurrentDictionary<int, ulong[]> _upTo = new();

    private StringTokens(TokenVocabulary vocabulary, List<(int Token, int Count)> inside, List<(int Token, int Count, int Suffix)> exits, int largestMissing)
    {
        _words = vocabulary.MaskWords;
        LargestMissing = largestMissing;
        inside.Sort((left, right) => left.Count.CompareTo(right.Count));
        _inside = [.. inside.Select(entry => entry.Token)];
        _insideCounts = [.. inside.Select(entry => entry.Count)];
        exits.Sort((left, right) => left.Suffix.CompareTo(right.Suffix));
        _exits = [.. exits.Select(entry => entry.Token)];
        _exitCounts = [.. exits.Select(entry => entry.Count)];
        _exitStarts = new int[vocabulary.Suffixes.NodeCount + 1];
        foreach ((_, _, int suffix) in exits)
        {
            _exitStarts[suffix + 1]++;
        }

        for (int node = 0; node < _exitStarts.Length - 1; node++)
        {
            _exitStarts[node + 1] += _exitStarts[node];
        }

        _all = Bits(_inside.Length);
    }

    /// <summary>The most bytes that the content lacks after a token that stays inside.</summary>
    public int LargestMissing { get; }

    /// <summary>The size in token ids, for the caches' books.</summary>
    public int Weight => _all.Length * 2 + _inside.Length * 2 + _exits.Length * 2 + _exitStarts.Length;

    /// <summary>Sorts the tokens by walking the whole vocabulary once from a place of a string.</summary>
    public static StringTokens Find(TokenVocabulary vocabulary, StringRule rule, StringPosition start)
    {
        var walk = new Walk(vocabulary, rule);
        walk.Below(0, start);
        return new StringTokens(vocabulary, walk.Inside, walk.Exits, walk.LargestMissing);
    }

    /// <summary>The tokens that stay inside and bring at most so many characters, a started one included.</summary>
    public ulong[] InsideUpTo(int room)
    {
        if (_inside.Length == 0 || room >= _insideCounts[^1])
        {
            return _all;
        }

        return _upTo.GetOrAdd(room, limit =>
        {
            int end = Array.BinarySearch(_insideCounts, limit);
            end = end < 0 ? ~end : end;
            while (end < _insideCounts.Length && _insideCounts[end] <= limit)
            {
                end++;
            }

            return Bits(end);
        });
    }

    /// <summary>Appends the tokens that close the string after so many characters and end with the suffix at a node.</summary>
    public void AppendExits(int suffixNode, int least, int most, List<int> tokens)
    {
        for (int i = _exitStarts[suffixNode]; i < _exitStarts[suffixNode + 1]; i++)
        {
            if (_exitCounts[i] >= least && _exitCounts[i] <= most)
            {
                tokens.Add(_exits[i]);
            }
        }
    }

    private ulong[] Bits(int end)
    {
        var bits = new ulong[_words];
        for (int i = 0; i < end; i++)
        {
            bits[_inside[i] >> 6] |= 1UL << (_inside[i] & 63);
        }

        return bits;
    }

    /// <summary>A walk through the trie of the vocabulary. Counts are of characters for free strings, else zero.</summary>
    private sealed class Walk(TokenVocabulary vocabulary, StringRule rule)
    {
        private readonly bool _counts = rule is FreeStringRule;

        public List<(int Token, int Count)> Inside { get; } = [];

        public List<(int Token, int Count, int Suffix)> Exits { get; } = [];

        public int LargestMissing { get; private set; }

        public void Below(int node, StringPosition position)
        {
            TokenTrie trie = vocabulary.Trie;
            for (int child = node + 1; child < trie.End(node); child = trie.End(child))
            {
                byte label = trie.Label(child);
                if (label == '"' && position.Lexical == JsonLexer.Plain)
                {
                    if (rule.Accepts(position))
                    {
                        Leave(child, _counts ? position.State : 0, 0);
                    }
                }
                else if (rule.TryStep(position, label, out StringPosition next))
                {
                    int count = !_counts ? 0 : next.State + (next.Lexical != JsonLexer.Plain ? 1 : 0);
                    foreach (int token in trie.TokensAt(child))
                    {
                        Inside.Add((token, count));
                        LargestMissing = Math.Max(LargestMissing, rule.Missing(next));
                    }

                    Below(child, next);
                }
            }
        }

        private void Leave(int node, int count, int suffix)
        {
            TokenTrie trie = vocabulary.Trie;
            foreach (int token in trie.TokensAt(node))
            {
                Exits.Add((token, count, suffix));
            }

            for (int child = node + 1; child < trie.End(node); child = trie.End(child))
            {
                Leave(child, count, vocabulary.Suffixes.Child(suffix, trie.Label(child)));
            }
        }
    }
}
