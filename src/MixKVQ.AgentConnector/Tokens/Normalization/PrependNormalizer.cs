namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Puts a prefix before a text that is not empty, unless it goes on from other text.</summary>
internal sealed class PrependNormalizer(string prefix) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, TextPlace place) => text.Length == 0 || place == TextPlace.WithinText ? text : prefix + text;
}
