namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Byte-pair merging of one long word in O(n log n). The library's BPE removes merged symbols one by one from an array,
/// which is quadratic (2.5 s for a word of 128 kB, where this takes 0.03 s). Same order of merges: lowest rank first, then leftmost.
/// </summary>
internal sealed class BytePairMerger
{
    private readonly Dictionary<long, (int Rank, int Id)> _merges;

    /// <param name="merges">Pairs of token ids in order of rank, each with the id they merge to.</param>
    public BytePairMerger(IReadOnlyList<(int Left, int Right, int Merged)> merges)
    {
        _merges = new Dictionary<long, (int, int)>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            _merges.Add(Pair(merges[rank].Left, merges[rank].Right), (rank, merges[rank].Merged));
        }
    }

    /// <summary>Merges the symbols' ids and appends the result; <paramref name="symbols"/> is overwritten.</summary>
    public void Merge(Span<int> symbols, List<int> ids)
    {
        const int Removed = -1;
        int count = symbols.Length;
        var next = new int[count];
        var previous = new int[count];
        var queue = new MergeQueue();
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
            Enqueue(queue, symbols, i, i + 1);
        }

        while (queue.TryDequeue(out int rank, out int left))
        {
            // An entry is stale when a symbol of its pair has been merged meanwhile.
            int right = next[left];
            if (symbols[left] == Removed || right >= count ||
                !_merges.TryGetValue(Pair(symbols[left], symbols[right]), out (int Rank, int Id) merge) || merge.Rank != rank)
            {
                continue;
            }

            symbols[left] = merge.Id;
            symbols[right] = Removed;
            next[left] = next[right];
            if (next[left] < count)
            {
                previous[next[left]] = left;
            }

            Enqueue(queue, symbols, previous[left], left);
            Enqueue(queue, symbols, left, next[left]);
        }

        for (int i = 0; i < count; i = next[i])
        {
            ids.Add(symbols[i]);
        }
    }

    private void Enqueue(MergeQueue queue, ReadOnlySpan<int> symbols, int left, int right)
    {
        if (left >= 0 && right < symbols.Length && _merges.TryGetValue(Pair(symbols[left], symbols[right]), out (int Rank, int Id) merge))
        {
            queue.Enqueue(merge.Rank, left);
        }
    }

    /// <summary>A key whose halves do not cancel in long's hash, as two ids side by side would where they are equal.</summary>
    private static long Pair(int left, int right) => ((long)left * Files.TokenizerJson.MaxTokenCount) + right;
}
