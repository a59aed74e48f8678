namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Applies pre-tokenizers one after another, each to every word of the one before. Without any, a text is one word.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<IPreTokenizer> stages) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, List<ReadOnlyMemory<char>> words)
    {
        if (text.IsEmpty)
        {
            return;
        }

        List<ReadOnlyMemory<char>> current = [text];
        foreach (IPreTokenizer stage in stages)
        {
            var next = new List<ReadOnlyMemory<char>>();
            foreach (ReadOnlyMemory<char> word in current)
            {
                stage.Split(word, next);
            }

            current = next;
        }

        words.AddRange(current);
    }
}
