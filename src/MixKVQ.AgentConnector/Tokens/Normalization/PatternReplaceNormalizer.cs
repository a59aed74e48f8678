using System.Text;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Replaces each match of a regular expression with the same text.</summary>
internal sealed class PatternReplaceNormalizer(SplitPattern pattern, string content) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, TextPlace place)
    {
        var parts = new List<SplitPart>();
        pattern.Cut(text, parts);
        var replaced = new StringBuilder(text.Length);
        foreach (SplitPart part in parts)
        {
            if (part.IsMatch)
            {
                replaced.Append(content);
            }
            else
            {
                replaced.Append(text, part.Start, part.Length);
            }
        }

        return replaced.ToString();
    }
}
