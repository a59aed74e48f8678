namespace MixKVQ.AgentConnector.Tokens;

/// <summary>Looks up the tokens that a merge names.</summary>
internal sealed class MergeResolver(TokenizerDefinition definition)
{
    // Bounds the search for the separator, which looks at all of the merge for each space.
    private const int MaxSpacedLength = 256;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary = definition.Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly HashSet<(int, int)> _seen = new(definition.Merges.Count);

    /// <summary>The ids of "left right" and of what they merge to.</summary>
    /// <exception cref="InvalidDataException">The merge is not two tokens, names an unknown one, or was resolved before.</exception>
    public (int Left, int Right, int Merged) Resolve(string merge)
    {
        int space = FindSeparator(merge);
        int left = Find(merge.AsSpan(0, space), merge);
        int right = Find(merge.AsSpan(space + 1), merge);
        int merged = Find(string.Concat(merge.AsSpan(0, space), merge.AsSpan(space + 1)), merge);
        return _seen.Add((left, right)) ? (left, right, merged) : throw Fault(merge, "stands twice");
    }

    /// <summary>The space between the tokens. Where tokens hold spaces themselves it is the only one with a token on each side.</summary>
    private int FindSeparator(string merge)
    {
        int first = merge.IndexOf(' ', StringComparison.Ordinal);
        if (first > 0 && first < merge.Length - 1 && merge.IndexOf(' ', first + 1) < 0)
        {
            return first;
        }

        int separator = -1;
        for (int i = 1; i < Math.Min(merge.Length - 1, MaxSpacedLength); i++)
        {
            if (merge[i] == ' ' && _vocabulary.ContainsKey(merge.AsSpan(0, i)) && _vocabulary.ContainsKey(merge.AsSpan(i + 1)))
            {
                separator = separator < 0 ? i : throw Fault(merge, "can be read as different pairs of tokens");
            }
        }

        return separator > 0 ? separator : throw Fault(merge, "is not two tokens with one space between them");
    }

    private int Find(ReadOnlySpan<char> token, string merge) =>
        _vocabulary.TryGetValue(token, out int id) ? id : throw Fault(merge, $"needs the token '{Excerpt.Of(token)}', which the vocabulary lacks");

    private InvalidDataException Fault(string merge, string problem) =>
        new($"{definition.Source}: the merge '{Excerpt.Of(merge)}' {problem}. Take the tokenizer's files from one model.");
}
