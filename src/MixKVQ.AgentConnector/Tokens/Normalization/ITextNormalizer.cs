namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Brings text into the form a tokenizer was trained on. Implementations are immutable.</summary>
internal interface ITextNormalizer
{
    /// <summary>The normalized text; the text holds no lone surrogates.</summary>
    string Normalize(string text);
}
