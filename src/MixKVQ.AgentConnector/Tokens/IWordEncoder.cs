namespace MixKVQ.AgentConnector.Tokens;

/// <summary>Encodes the words that a pre-tokenizer cut. Implementations are thread-safe.</summary>
internal interface IWordEncoder
{
    /// <summary>Appends the ids of one word. The word holds no lone surrogates.</summary>
    void Encode(ReadOnlySpan<char> word, List<int> ids);
}
