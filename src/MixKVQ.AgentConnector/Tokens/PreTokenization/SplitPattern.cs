using System.Diagnostics;
using System.Text.RegularExpressions;

namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>
/// A regular expression of tokenizer.json, matched by characters although .NET matches UTF-16 units: characters beyond U+FFFF
/// are matched through <see cref="AstralStandIns"/>. Each match has a time limit, and so have all in a text, since files may come from anywhere.
/// </summary>
internal sealed class SplitPattern
{
    /// <summary>Generous: a match within a megabyte of text takes milliseconds.</summary>
    public static readonly TimeSpan DefaultTimeLimit = TimeSpan.FromSeconds(5);

    private const int MaxLength = 16_384;

    // All matches in one text may take as long as so many that each just pass.
    private const int MatchesAtTheLimit = 2;

    private readonly Regex _regex;
    private readonly string _source;

    /// <param name="pattern">In the syntax of tokenizer.json (Oniguruma), as far as .NET shares it.</param>
    /// <param name="source">The file or the place in it, for messages.</param>
    /// <param name="timeLimit">For one match.</param>
    /// <exception cref="InvalidDataException">.NET cannot take the pattern.</exception>
    public SplitPattern(string pattern, string source, TimeSpan timeLimit)
    {
        _source = source;
        if (pattern.Length > MaxLength)
        {
            throw new InvalidDataException($"{source}: the pattern has {pattern.Length} characters; at most {MaxLength} are taken.");
        }

        if (pattern.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            throw new InvalidDataException($"{source}: the pattern '{Excerpt.Of(pattern)}' names characters beyond U+FFFF, which is not supported; categories such as \\p{{L}} are.");
        }

        // Without regard to case, Oniguruma takes the long s for an s and .NET does not.
        string translated = pattern.Replace("(?i:'s|", "(?i:'[sſ]|", StringComparison.Ordinal);
        try
        {
            _regex = new Regex(translated, RegexOptions.CultureInvariant | RegexOptions.Compiled, timeLimit);
        }
        catch (ArgumentException fault)
        {
            throw new InvalidDataException($"{source}: the pattern '{Excerpt.Of(pattern)}' is not supported: {fault.Message}", fault);
        }
    }

    /// <summary>Appends the matches and what lies between them; together they cover the text.</summary>
    /// <exception cref="InvalidDataException">A match took longer than the limit.</exception>
    public void Cut(ReadOnlySpan<char> text, List<SplitPart> parts)
    {
        try
        {
            if (text.ContainsAnyInRange('\uD800', '\uDFFF'))
            {
                CutByStandIns(text, parts);
            }
            else
            {
                Cut(text, text, parts);
            }
        }
        catch (RegexMatchTimeoutException fault)
        {
            throw new InvalidDataException($"{_source}: the pattern '{Excerpt.Of(fault.Pattern)}' took more than {fault.MatchTimeout.TotalSeconds} s on a text of {text.Length} characters. Take the tokenizer.json of a known model.", fault);
        }
    }

    private void CutByStandIns(ReadOnlySpan<char> text, List<SplitPart> parts)
    {
        var standIns = new char[text.Length];
        int count = AstralStandIns.Fill(text, standIns);
        Cut(text, standIns.AsSpan(0, count), parts);
    }

    /// <param name="text">The text to cut.</param>
    /// <param name="matched">The text itself, or one unit for each of its characters.</param>
    /// <param name="parts">Receives ranges of <paramref name="text"/>.</param>
    private void Cut(ReadOnlySpan<char> text, ReadOnlySpan<char> matched, List<SplitPart> parts)
    {
        bool isMapped = text.Length != matched.Length;
        int covered = 0;
        int matchedPosition = 0;
        int position = 0;
        long started = Stopwatch.GetTimestamp();
        foreach (ValueMatch match in _regex.EnumerateMatches(matched))
        {
            if (Stopwatch.GetElapsedTime(started) > _regex.MatchTimeout * MatchesAtTheLimit)
            {
                throw new RegexMatchTimeoutException("", _regex.ToString(), _regex.MatchTimeout * MatchesAtTheLimit);
            }

            int start = Advance(text, isMapped, match.Index - matchedPosition, position);
            int end = Advance(text, isMapped, match.Length, start);
            if (start > covered)
            {
                parts.Add(new SplitPart(covered, start - covered, false));
            }

            parts.Add(new SplitPart(start, end - start, true));
            matchedPosition = match.Index + match.Length;
            covered = position = end;
        }

        if (covered < text.Length)
        {
            parts.Add(new SplitPart(covered, text.Length - covered, false));
        }
    }

    private static int Advance(ReadOnlySpan<char> text, bool isMapped, int characters, int position)
    {
        if (!isMapped)
        {
            return position + characters;
        }

        for (; characters > 0; characters--)
        {
            position += char.IsHighSurrogate(text[position]) ? 2 : 1;
        }

        return position;
    }
}
