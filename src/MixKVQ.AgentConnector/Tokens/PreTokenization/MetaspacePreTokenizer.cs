namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>
/// Writes spaces as another character (SentencePiece's U+2581), puts it before the text as <paramref name="scheme"/> says,
/// and with <paramref name="splits"/> begins a word at each of them.
/// </summary>
internal sealed class MetaspacePreTokenizer(char replacement, PrependScheme scheme, bool splits) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, TextPlace place, List<ReadOnlyMemory<char>> words)
    {
        if (text.IsEmpty)
        {
            return;
        }

        bool prepends = scheme switch
        {
            PrependScheme.Always => place != TextPlace.WithinText,
            PrependScheme.First => place == TextPlace.Start,
            _ => false,
        };
        char[] written = text.Span[0] is ' ' || text.Span[0] == replacement || !prepends ? text.ToArray() : [replacement, .. text.Span];
        written.AsSpan().Replace(' ', replacement);
        int start = 0;
        for (int i = 1; splits && i < written.Length; i++)
        {
            if (written[i] == replacement)
            {
                words.Add(written.AsMemory(start, i - start));
                start = i;
            }
        }

        words.Add(written.AsMemory(start));
    }
}
