using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// The token ids of a dialogue in the order in which the model saw them, beside their text in segments: one per added
/// token, one per run of ordinary text between two of them. Re-encoded text need not give the ids that were generated,
/// so a new prompt takes the recorded ids wherever the text is the same. Not thread-safe while it grows.
/// </summary>
internal sealed class TokenLog
{
    private readonly List<int> _tokenIds = [];
    private readonly List<LoggedText> _segments = [];

    /// <summary>How many tokens are logged.</summary>
    public int Count => _tokenIds.Count;

    /// <summary>Whether the last segment is ordinary text, which text that comes next goes on from.</summary>
    public bool EndsInText => _segments.Count > 0 && !_segments[^1].IsAdded;

    /// <summary>The text beside the ids, in order.</summary>
    public IReadOnlyList<LoggedText> Segments => _segments;

    /// <summary>A log read back, checked as a stranger's is.</summary>
    /// <param name="tokenIds">All ids.</param>
    /// <param name="segments">The text beside them.</param>
    /// <exception cref="InvalidDataException">The segments do not divide the ids; the message says why.</exception>
    public static TokenLog Of(ReadOnlySpan<int> tokenIds, IEnumerable<LoggedText> segments)
    {
        var log = new TokenLog();
        log._tokenIds.AddRange(tokenIds);
        int end = 0;
        foreach (LoggedText segment in segments)
        {
            if (segment.End < end || segment.End > tokenIds.Length || (segment.IsAdded && segment.End == end) || (!segment.IsAdded && log.EndsInText))
            {
                throw new InvalidDataException($"a segment of its {tokenIds.Length} tokens ends at {segment.End}, after one that ends at {end}, or goes on with text where text ended");
            }

            end = segment.End;
            log._segments.Add(segment);
        }

        return end == tokenIds.Length ? log : throw new InvalidDataException($"its text ends at token {end} of {tokenIds.Length}");
    }

    /// <summary>The ids from <paramref name="start"/> to before <paramref name="end"/>, copied.</summary>
    public int[] Range(int start, int end) => [.. _tokenIds.GetRange(start, end - start)];

    /// <summary>A log of the same content that grows on its own.</summary>
    public TokenLog Clone()
    {
        var clone = new TokenLog();
        clone._tokenIds.AddRange(_tokenIds);
        clone._segments.AddRange(_segments);
        return clone;
    }

    /// <summary>A log of the first <paramref name="tokens"/> tokens that grows on its own; null where a segment ends elsewhere, so that their text is not known.</summary>
    public TokenLog? Prefix(int tokens)
    {
        int segments = _segments.FindLastIndex(segment => segment.End == tokens) + 1;
        if (segments == 0)
        {
            return null;
        }

        var prefix = new TokenLog();
        prefix._tokenIds.AddRange(_tokenIds.GetRange(0, tokens));
        prefix._segments.AddRange(_segments.GetRange(0, segments));
        return prefix;
    }

    /// <summary>How many ids both begin with.</summary>
    public int CountShared(TokenLog other) => CollectionsMarshal.AsSpan(_tokenIds).CommonPrefixLength(CollectionsMarshal.AsSpan(other._tokenIds));

    /// <summary>Whether <paramref name="text"/> is in one of the segments.</summary>
    public bool Contains(string text) => _segments.Exists(segment => segment.Text.Contains(text, StringComparison.Ordinal));

    /// <summary>Logs prompt text.</summary>
    public void Append(IEnumerable<PromptSegment> segments)
    {
        foreach (PromptSegment segment in segments)
        {
            Append(segment.Text, segment.TokenIds, segment.IsAdded);
        }
    }

    /// <summary>Logs ids that the model generated.</summary>
    public void AppendGenerated(IReadOnlyList<int> tokenIds, ModelTokenizer tokenizer)
    {
        int start = 0;
        for (int i = 0; i <= tokenIds.Count; i++)
        {
            bool isAdded = i < tokenIds.Count && tokenizer.IsAdded(tokenIds[i]);
            if (i < tokenIds.Count && !isAdded)
            {
                continue;
            }

            if (i > start)
            {
                int[] run = [.. tokenIds.Skip(start).Take(i - start)];
                Append(tokenizer.Decode(run, continuesText: EndsInText), run, isAdded: false);
            }

            if (isAdded)
            {
                Append(tokenizer.Decode([tokenIds[i]]), [tokenIds[i]], isAdded: true);
            }

            start = i + 1;
        }
    }

    /// <summary>
    /// The log of a new prompt that shares as much as it can with this one: equal segments take the ids recorded here,
    /// and of the first that differs the common ids count. This log is not changed.
    /// </summary>
    /// <param name="prompt">The prompt's segments.</param>
    /// <param name="sharedTokens">How many tokens both begin with.</param>
    public TokenLog Rebase(IReadOnlyList<PromptSegment> prompt, out int sharedTokens)
    {
        var rebased = new TokenLog();
        rebased.Append(prompt);
        sharedTokens = CountSharedRebased(rebased);
        int shared = CountSharedSegments(rebased);
        if (shared > 0)
        {
            int ownStart = rebased._segments[shared - 1].End;
            int recordedEnd = _segments[shared - 1].End;
            rebased._tokenIds.RemoveRange(0, ownStart);
            rebased._tokenIds.InsertRange(0, _tokenIds.GetRange(0, recordedEnd));
            for (int i = 0; i < rebased._segments.Count; i++)
            {
                rebased._segments[i] = i < shared ? _segments[i] : rebased._segments[i] with { End = rebased._segments[i].End + recordedEnd - ownStart };
            }
        }

        return rebased;
    }

    /// <summary>How many tokens this log and <paramref name="prompt"/>, the log of a new prompt, would both begin with once that is rebased.</summary>
    public int CountSharedRebased(TokenLog prompt)
    {
        int shared = CountSharedSegments(prompt);
        int recordedEnd = shared > 0 ? _segments[shared - 1].End : 0;
        int ownStart = shared > 0 ? prompt._segments[shared - 1].End : 0;
        return recordedEnd + CollectionsMarshal.AsSpan(_tokenIds)[recordedEnd..].CommonPrefixLength(CollectionsMarshal.AsSpan(prompt._tokenIds)[ownStart..]);
    }

    private int CountSharedSegments(TokenLog prompt)
    {
        int shared = 0;
        while (shared < prompt._segments.Count && shared < _segments.Count && prompt._segments[shared].SaysTheSameAs(_segments[shared]))
        {
            shared++;
        }

        return shared;
    }

    private void Append(string text, IReadOnlyList<int> tokenIds, bool isAdded)
    {
        _tokenIds.AddRange(tokenIds);
        if (!isAdded && _segments.Count > 0 && !_segments[^1].IsAdded)
        {
            text = _segments[^1].Text + text;
            _segments.RemoveAt(_segments.Count - 1);
        }

        _segments.Add(new LoggedText(text, isAdded, _tokenIds.Count));
    }
}
