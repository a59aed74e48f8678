namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Puts a space before each word that has none (ByteLevel's add_prefix_space).</summary>
internal sealed class PrefixSpacePreTokenizer : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> words)
    {
        if (!text.IsEmpty)
        {
            words.Add(text.Span[0] == ' ' ? text : string.Concat(" ", text.Span).AsMemory());
        }
    }
}
