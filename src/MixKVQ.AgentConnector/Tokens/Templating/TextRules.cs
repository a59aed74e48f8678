using System.Text;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>What counts as whitespace and as a character: the rules of JavaScript, on which the npm package stands.</summary>
internal static class TextRules
{
    /// <summary>JavaScript's <c>\s</c>: Unicode white space without U+0085, with U+FEFF.</summary>
    public static bool IsWhitespace(char c) => c == '\uFEFF' || (c != '\u0085' && char.IsWhiteSpace(c));

    public static string Trim(string text) => TrimStart(TrimEnd(text));

    public static string TrimStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsWhitespace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    public static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsWhitespace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary>Each word's first ASCII letter in upper case, the rest as it was.</summary>
    public static string TitleCase(string text)
    {
        var title = new StringBuilder(text.Length);
        bool isInWord = false;
        foreach (char c in text)
        {
            title.Append(!isInWord && char.IsAsciiLetterLower(c) ? char.ToUpperInvariant(c) : c);
            isInWord = c == '_' || char.IsAsciiLetterOrDigit(c);
        }

        return title.ToString();
    }

    /// <summary>The code points of a text, each as a string; half a surrogate pair stands alone.</summary>
    public static IEnumerable<string> CodePoints(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                yield return text.Substring(i++, 2);
            }
            else
            {
                yield return text[i].ToString();
            }
        }
    }
}
