namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Brings text into the form a tokenizer was trained on. Implementations are immutable.</summary>
internal interface ITextNormalizer
{
    /// <summary>The normalized text; the text holds no lone surrogates.</summary>
    /// <exception cref="InvalidDataException">The model's files ask for what takes too long or makes the text too long.</exception>
    string Normalize(string text, TextPlace place);
}
