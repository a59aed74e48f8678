using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>Makes .NET strings into Unicode text.</summary>
internal static class WellFormedText
{
    /// <summary>The text with each lone surrogate replaced by U+FFFD; the same instance where there is none.</summary>
    public static string Of(string text)
    {
        int position = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (position < 0)
        {
            return text;
        }

        StringBuilder? repaired = null;
        for (int i = position; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]))
            {
                if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
                {
                    i++;
                }
                else
                {
                    repaired ??= new StringBuilder(text);
                    repaired[i] = '\uFFFD';
                }
            }
        }

        return repaired?.ToString() ?? text;
    }
}
