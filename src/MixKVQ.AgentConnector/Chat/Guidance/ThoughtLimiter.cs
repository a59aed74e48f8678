using System.Text;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>
/// Follows a thought to its end. Near its limit the thought is closed at the next end of a sentence or line, at the
/// limit in any case, by tokens that must come. Not thread-safe.
/// </summary>
/// <param name="tokenizer">The model's.</param>
/// <param name="limit">The most tokens of the thought, its closing included; 0 closes it at once; null for no limit.</param>
internal sealed class ThoughtLimiter(ModelTokenizer tokenizer, int? limit)
{
    /// <summary>The last share of the limit, in which the thought is closed where a sentence ends.</summary>
    private const double ClosingShare = 0.1;

    private readonly MarkerSearch _close = new(Encoding.UTF8.GetBytes(ThoughtTags.Close));
    private readonly int[] _closing = Ids(tokenizer, ThoughtTags.Close + ThoughtTags.AfterClose);
    private readonly int[] _closingMidLine = Ids(tokenizer, "\n" + ThoughtTags.Close + ThoughtTags.AfterClose);
    private int[]? _forced;
    private int _forcedCount;
    private int _tokenCount;
    private byte _last = (byte)'\n';
    private bool _closed;

    /// <summary>Decides on the next token: the one that must come, or null where the model chooses.</summary>
    public int? Force()
    {
        if (_forced is null && limit is { } most)
        {
            int left = most - _tokenCount;
            bool isClosing = left <= _closingMidLine.Length
                || (left <= _closingMidLine.Length + (int)(most * ClosingShare) && _last is (byte)'\n' or (byte)'.' or (byte)'!' or (byte)'?');
            if (isClosing)
            {
                _forced = _last == (byte)'\n' ? _closing : _closingMidLine;
            }
        }

        return _forcedCount < _forced?.Length ? _forced[_forcedCount] : null;
    }

    /// <summary>Takes the next token. True once the thought is over; <paramref name="rest"/> is what the token says after it.</summary>
    public bool Accept(int token, out ReadOnlySpan<byte> rest)
    {
        ReadOnlySpan<byte> bytes = tokenizer.BytesOf(token);
        _forcedCount += _forced is null ? 0 : 1;
        _tokenCount++;
        rest = [];
        if (!bytes.IsEmpty)
        {
            _last = bytes[^1];
        }

        if (!_closed && _close.Read(bytes) is >= 0 and int end)
        {
            _closed = true;
            rest = bytes[end..];
        }

        return _closed && (_forced is null || _forcedCount == _forced.Length);
    }

    private static int[] Ids(ModelTokenizer tokenizer, string text) => [.. tokenizer.EncodePrompt(text).SelectMany(segment => segment.TokenIds)];
}
