namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Finds a text in another in linear time, whatever they hold, and counts the work.</summary>
internal sealed class TextSearch
{
    // The framework's search is the quickest, but takes the product of both lengths at worst.
    private const int LongestPlainNeedle = 32;

    private const int SlowCharsPerStep = 4;

    private readonly TemplateRun _run;
    private readonly string _needle;
    private readonly int[]? _borders;

    public TextSearch(TemplateRun run, string needle)
    {
        _run = run;
        _needle = needle;
        if (needle.Length > LongestPlainNeedle)
        {
            run.ReserveItems(needle.Length / 8);
            _borders = Borders(needle);
        }
    }

    /// <summary>The first place at or behind <paramref name="start"/>; −1 where there is none.</summary>
    public int IndexIn(string text, int start = 0)
    {
        int found = _borders is null ? text.IndexOf(_needle, start, StringComparison.Ordinal) : KnuthMorrisPratt(text, start, _borders);
        int read = (found < 0 ? text.Length : found) - start;
        _run.Step(1 + (read / (_borders is null ? TemplateLimits.CharsPerStep : SlowCharsPerStep)));
        return found;
    }

    /// <summary>All places, not overlapping, at most <paramref name="limit"/>.</summary>
    public IEnumerable<int> PlacesIn(string text, int limit)
    {
        int start = 0;
        for (int count = 0; count < limit; count++)
        {
            int found = IndexIn(text, start);
            if (found < 0)
            {
                yield break;
            }

            yield return found;
            start = found + _needle.Length;
        }
    }

    private int KnuthMorrisPratt(string text, int start, int[] borders)
    {
        int matched = 0;
        for (int i = start; i < text.Length; i++)
        {
            while (matched > 0 && text[i] != _needle[matched])
            {
                matched = borders[matched - 1];
            }

            matched += text[i] == _needle[matched] ? 1 : 0;
            if (matched == _needle.Length)
            {
                return i + 1 - matched;
            }
        }

        return -1;
    }

    /// <summary>For each beginning of the needle, the length of its longest proper beginning that is also its end.</summary>
    private static int[] Borders(string needle)
    {
        var borders = new int[needle.Length];
        int length = 0;
        for (int i = 1; i < needle.Length; i++)
        {
            while (length > 0 && needle[i] != needle[length])
            {
                length = borders[length - 1];
            }

            length += needle[i] == needle[length] ? 1 : 0;
            borders[i] = length;
        }

        return borders;
    }
}
