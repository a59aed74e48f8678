namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Splits at the matches of a pattern, or with <paramref name="invert"/> at what lies between them.</summary>
internal sealed class SplitPreTokenizer(SplitPattern pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, TextPlace place, List<ReadOnlyMemory<char>> words)
    {
        var parts = new List<SplitPart>();
        pattern.Cut(text.Span, parts);
        if (behavior == SplitBehavior.MergedWithNext)
        {
            parts.Reverse();
        }

        int firstWord = words.Count;
        bool previousMatches = false;
        SplitPart open = default;
        foreach (SplitPart part in parts)
        {
            bool matches = part.IsMatch != invert;
            if (behavior == SplitBehavior.Removed && matches)
            {
                continue;
            }

            bool joins = behavior switch
            {
                SplitBehavior.Contiguous => matches == previousMatches,
                SplitBehavior.MergedWithPrevious or SplitBehavior.MergedWithNext => matches && !previousMatches,
                _ => false,
            };
            if (joins && open.Length > 0)
            {
                open = new SplitPart(Math.Min(open.Start, part.Start), open.Length + part.Length, matches);
            }
            else
            {
                Close(text, open, words);
                open = part;
            }

            previousMatches = matches;
        }

        Close(text, open, words);
        if (behavior == SplitBehavior.MergedWithNext)
        {
            words.Reverse(firstWord, words.Count - firstWord);
        }
    }

    private static void Close(ReadOnlyMemory<char> text, SplitPart part, List<ReadOnlyMemory<char>> words)
    {
        if (part.Length > 0)
        {
            words.Add(text.Slice(part.Start, part.Length));
        }
    }
}
