using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Python's ways to split a string.</summary>
internal static class StringSplitting
{
    /// <summary>Splits at a separator, at most <paramref name="limit"/> times.</summary>
    public static ListValue Split(TemplateRun run, string text, string separator, int limit)
        => Cut(run, text, new TextSearch(run, separator).PlacesIn(text, limit), separator.Length);

    /// <summary>Splits at the last <paramref name="limit"/> separators.</summary>
    public static ListValue SplitFromEnd(TemplateRun run, string text, string separator, int limit)
    {
        var places = new List<int>();
        foreach (int place in new TextSearch(run, separator).PlacesIn(text, int.MaxValue))
        {
            run.ReserveItems(1);
            places.Add(place);
        }

        return Cut(run, text, places.Skip(Math.Max(0, places.Count - limit)), separator.Length);
    }

    /// <summary>Splits at runs of whitespace, at most <paramref name="limit"/> times; the rest keeps its whitespace.</summary>
    public static ListValue SplitWords(TemplateRun run, string text, int limit)
    {
        var words = new List<TemplateValue>();
        int position = 0;
        while (true)
        {
            while (position < text.Length && TextRules.IsWhitespace(text[position]))
            {
                position++;
            }

            if (position == text.Length)
            {
                return new ListValue(words);
            }

            int start = position;
            while (position < text.Length && (words.Count == limit || !TextRules.IsWhitespace(text[position])))
            {
                position++;
            }

            run.ReserveItems(1);
            words.Add(run.Text(text[start..position]));
        }
    }

    /// <summary>Splits at line ends; a last one begins no line.</summary>
    public static ListValue SplitLines(TemplateRun run, string text)
    {
        var lines = new List<TemplateValue>();
        int start = 0;
        while (start < text.Length)
        {
            int length = text.AsSpan(start).IndexOfAny('\r', '\n');
            int end = length < 0 ? text.Length : start + length;
            run.ReserveItems(1);
            lines.Add(run.Text(text[start..end]));
            bool isPair = end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n';
            start = end + (isPair ? 2 : 1);
        }

        return new ListValue(lines);
    }

    private static ListValue Cut(TemplateRun run, string text, IEnumerable<int> places, int separatorLength)
    {
        var parts = new List<TemplateValue>();
        int start = 0;
        foreach (int place in places)
        {
            run.ReserveItems(1);
            parts.Add(run.Text(text[start..place]));
            start = place + separatorLength;
        }

        parts.Add(run.Text(text[start..]));
        return new ListValue(parts);
    }
}
