namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Puts a space before each word that has none (ByteLevel's add_prefix_space), unless it goes on from other text.</summary>
internal sealed class PrefixSpacePreTokenizer : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, TextPlace place, List<ReadOnlyMemory<char>> words)
    {
        if (!text.IsEmpty)
        {
            words.Add(text.Span[0] == ' ' || place == TextPlace.WithinText ? text : string.Concat(" ", text.Span).AsMemory());
        }
    }
}
