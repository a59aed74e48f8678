namespace MixKVQ.AgentConnector.Tokens;

/// <summary>Looks up the tokens that a merge names.</summary>
internal sealed class MergeResolver(TokenizerDefinition definition)
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary = definition.Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly HashSet<(int, int)> _seen = new(definition.Merges.Count);

    /// <summary>The ids of "left right" and of what they merge to.</summary>
    /// <exception cref="InvalidDataException">The merge is not two tokens, names an unknown one, or was resolved before.</exception>
    public (int Left, int Right, int Merged) Resolve(string merge)
    {
        int space = merge.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0 || space == merge.Length - 1 || merge.IndexOf(' ', space + 1) >= 0)
        {
            throw Fault(merge, "is not two tokens with one space between them");
        }

        int left = Find(merge.AsSpan(0, space), merge);
        int right = Find(merge.AsSpan(space + 1), merge);
        int merged = Find(string.Concat(merge.AsSpan(0, space), merge.AsSpan(space + 1)), merge);
        return _seen.Add((left, right)) ? (left, right, merged) : throw Fault(merge, "stands twice");
    }

    private int Find(ReadOnlySpan<char> token, string merge) =>
        _vocabulary.TryGetValue(token, out int id) ? id : throw Fault(merge, $"needs the token '{Excerpt.Of(token)}', which the vocabulary lacks");

    private InvalidDataException Fault(string merge, string problem) =>
        new($"{definition.Source}: the merge '{Excerpt.Of(merge)}' {problem}. Take the tokenizer's files from one model.");
}
