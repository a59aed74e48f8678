namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Replaces each occurrence of a string.</summary>
internal sealed class ReplaceNormalizer(string pattern, string content) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, TextPlace place) => text.Replace(pattern, content, StringComparison.Ordinal);
}
