namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// Cuts generated text before the first stop sequence, wherever the text was split: the one whose last character comes first, and of
/// several that end together the longest. Text that may be the beginning of a stop sequence is held back until that is decided.
/// Compares ordinally. Not thread-safe.
/// </summary>
internal sealed class StopSequenceFilter
{
    private readonly string[] _stops;
    private string _held = "";
    private bool _stopped;

    /// <exception cref="ArgumentException">A stop sequence is empty.</exception>
    public StopSequenceFilter(IEnumerable<string> stops)
    {
        // The longest first, so that the first match at a place is the longest.
        _stops = [.. stops.Distinct(StringComparer.Ordinal).OrderByDescending(stop => stop.Length)];
        if (_stops is [.., ""])
        {
            throw new ArgumentException("A stop sequence is empty. Leave it out.", nameof(stops));
        }
    }

    /// <summary>Takes more text and returns what can be passed on. Once stopped, everything is dropped.</summary>
    public string Append(string text, out bool stopped)
    {
        string released = _stopped ? "" : Filter(_held + text, _held.Length);
        stopped = _stopped;
        return released;
    }

    /// <summary>The text has ended: returns what is still held back, which no stop sequence completes.</summary>
    public string Flush()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    /// <param name="text">What was held back and the new text.</param>
    /// <param name="searched">No stop sequence ends within this many first characters.</param>
    private string Filter(string text, int searched)
    {
        for (int end = searched + 1; end <= text.Length; end++)
        {
            foreach (string stop in _stops)
            {
                if (text.AsSpan(0, end).EndsWith(stop, StringComparison.Ordinal))
                {
                    _stopped = true;
                    _held = "";
                    return text[..(end - stop.Length)];
                }
            }
        }

        int held = FindHeldStart(text);
        _held = text[held..];
        return text[..held];
    }

    /// <summary>Where the longest end of the text starts that begins a stop sequence; the text's length if there is none.</summary>
    private int FindHeldStart(string text)
    {
        int longest = _stops.Length == 0 ? 0 : _stops[0].Length;
        int start = Math.Max(0, text.Length - longest + 1);
        while (start < text.Length && !BeginsStop(text.AsSpan(start)))
        {
            start++;
        }

        return Math.Min(start, text.Length);
    }

    private bool BeginsStop(ReadOnlySpan<char> text)
    {
        foreach (string stop in _stops)
        {
            if (stop.AsSpan().StartsWith(text, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
