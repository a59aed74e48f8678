using System.Text;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>
/// A template's text after the whitespace rules under which chat templates are written (<c>trim_blocks</c>,
/// <c>lstrip_blocks</c>, no last newline), and the way back from a position in it to a line of the file.
/// </summary>
/// <remarks>
/// As in the npm package, the rules apply to the raw text, tags or not: blanks between a line's start and
/// <c>{%</c>, <c>{#</c> or <c>{-</c> go, and so does the newline behind <c>%}</c>, <c>#}</c> or <c>-}</c>.
/// </remarks>
internal sealed class TemplateSource
{
    private readonly List<int> _removedNewlines = [];
    private int _linePosition;
    private int _nextRemoved;
    private int _line = 1;

    public TemplateSource(string source)
    {
        if (source.Length > TemplateLimits.MaxSourceChars)
        {
            throw new TemplateException(1, $"the template has {source.Length} characters, more than the {TemplateLimits.MaxSourceChars} allowed");
        }

        Text = TrimBlocks(StripLines(source.EndsWith('\n') ? source[..^1] : source));
    }

    public string Text { get; }

    /// <summary>The line (from 1) of a position. Positions must not fall from call to call.</summary>
    public int LineAt(int position)
    {
        for (; _linePosition < position && _linePosition < Text.Length; _linePosition++)
        {
            _line += Text[_linePosition] == '\n' ? 1 : 0;
        }

        for (; _nextRemoved < _removedNewlines.Count && _removedNewlines[_nextRemoved] <= position; _nextRemoved++)
        {
            _line++;
        }

        return _line;
    }

    private static string StripLines(string source)
    {
        var text = new StringBuilder(source.Length);
        int position = 0;
        while (position < source.Length)
        {
            int start = position;
            while (position < source.Length && source[position] is ' ' or '\t')
            {
                position++;
            }

            bool isTag = position + 1 < source.Length && source[position] == '{' && source[position + 1] is '#' or '%' or '-';
            int from = isTag ? position : start;
            int lineEnd = source.AsSpan(position).IndexOfAny("\n\r\u2028\u2029");
            position = lineEnd < 0 ? source.Length : position + lineEnd + 1;
            text.Append(source, from, position - from);
        }

        return text.ToString();
    }

    private string TrimBlocks(string source)
    {
        var text = new StringBuilder(source.Length);
        for (int i = 0; i < source.Length; i++)
        {
            if (source[i] == '\n' && i >= 2 && source[i - 1] == '}' && source[i - 2] is '#' or '%' or '-')
            {
                _removedNewlines.Add(text.Length);
            }
            else
            {
                text.Append(source[i]);
            }
        }

        return text.ToString();
    }
}
