namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Cuts normalized text into the words within which BPE merges. Implementations are immutable.</summary>
internal interface IPreTokenizer
{
    /// <summary>Appends the words of a text without lone surrogates, in order, none empty.</summary>
    /// <exception cref="InvalidDataException">A pattern of the model's files took too long on this text.</exception>
    void Split(ReadOnlyMemory<char> text, TextPlace place, List<ReadOnlyMemory<char>> words);
}
