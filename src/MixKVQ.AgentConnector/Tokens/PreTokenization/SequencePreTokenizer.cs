namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Applies pre-tokenizers one after another, each to every word of the one before. Without any, a text is one word. A word that is not the first counts as after a token.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<IPreTokenizer> stages) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(ReadOnlyMemory<char> text, TextPlace place, List<ReadOnlyMemory<char>> words)
    {
        if (text.IsEmpty)
        {
            return;
        }

        List<ReadOnlyMemory<char>> current = [text];
        foreach (IPreTokenizer stage in stages)
        {
            var next = new List<ReadOnlyMemory<char>>();
            for (int i = 0; i < current.Count; i++)
            {
                stage.Split(current[i], i == 0 ? place : TextPlace.AfterToken, next);
            }

            current = next;
        }

        words.AddRange(current);
    }
}
