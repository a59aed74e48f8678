using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>Follows a free answer and finds where calls begin. Not thread-safe.</summary>
/// <param name="openings">How calls begin.</param>
internal sealed class CallSearch(IReadOnlyList<GuardedMarker> openings)
{
    private readonly MarkerSearch[] _searches = [.. openings.Select(opening => opening.Search())];
    private int _textBytes;

    /// <summary>Bars the tokens that would begin a call and go on as none can.</summary>
    public void Restrict(Span<float> logits)
    {
        for (int i = 0; i < _searches.Length; i++)
        {
            if (IsAwake(i))
            {
                openings[i].Bar(_searches[i].MatchedBytes, logits);
            }
        }
    }

    /// <summary>Reads on. The cursor behind the opening of a call, where one ends within <paramref name="bytes"/>; else null.</summary>
    public ConstraintCursor? Read(ReadOnlySpan<byte> bytes)
    {
        // White space before an answer is no part of it.
        bytes = _textBytes == 0 ? bytes.TrimStart(" \t\r\n"u8) : bytes;
        for (int i = 0; i < _searches.Length; i++)
        {
            if (IsAwake(i) && _searches[i].Read(bytes) is >= 0 and int end && openings[i].Rest is { } rest)
            {
                ConstraintCursor cursor = rest.Start();
                if (end == bytes.Length || cursor.TryAccept(bytes[end..]))
                {
                    _textBytes += bytes.Length;
                    return cursor;
                }
            }
        }

        _textBytes += bytes.Length;
        return null;
    }

    /// <summary>A marker that opens answers only is of interest while nothing but its own beginning was written.</summary>
    private bool IsAwake(int i) => !openings[i].OpensAnswerOnly || _textBytes == _searches[i].MatchedBytes;
}
