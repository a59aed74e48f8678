using System.Text;
using MixKVQ.AgentConnector.Constraints;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>
/// A text that the model may write at will and after which it is not free. Tokens that would end the marker and go on
/// with what must not follow are barred. Immutable.
/// </summary>
internal sealed class GuardedMarker
{
    private readonly byte[] _bytes;
    private readonly int[][] _barred;

    /// <param name="text">The marker, not empty.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="rest">What must follow; null bars the marker itself.</param>
    /// <param name="opensAnswerOnly">Whether it counts at the start of an answer only.</param>
    public GuardedMarker(string text, ModelTokenizer tokenizer, TokenConstraint? rest, bool opensAnswerOnly = false)
    {
        _bytes = Encoding.UTF8.GetBytes(text);
        Rest = rest;
        OpensAnswerOnly = opensAnswerOnly;
        var barred = new List<int>[_bytes.Length];
        for (int matched = 0; matched < barred.Length; matched++)
        {
            barred[matched] = [];
        }

        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            ReadOnlySpan<byte> token = tokenizer.BytesOf(id);
            for (int matched = 0; matched < _bytes.Length && !token.IsEmpty; matched++)
            {
                if (token[0] == _bytes[matched] && token.StartsWith(_bytes.AsSpan(matched)) && IsBarred(token[(_bytes.Length - matched)..]))
                {
                    barred[matched].Add(id);
                }
            }
        }

        _barred = [.. barred.Select(ids => ids.ToArray())];
    }

    /// <summary>What must follow; null where the marker itself is barred.</summary>
    public TokenConstraint? Rest { get; }

    /// <summary>Whether it counts at the start of an answer only.</summary>
    public bool OpensAnswerOnly { get; }

    /// <summary>A search for the marker in the text of one turn.</summary>
    public MarkerSearch Search() => new(_bytes);

    /// <summary>Sets the logits of the barred tokens to negative infinity.</summary>
    /// <param name="matchedBytes">How much of the marker the text ends with.</param>
    /// <param name="logits">[vocabulary]; mutated.</param>
    public void Bar(int matchedBytes, Span<float> logits)
    {
        foreach (int id in _barred[matchedBytes])
        {
            logits[id] = float.NegativeInfinity;
        }
    }

    private bool IsBarred(ReadOnlySpan<byte> after) => Rest is null || !(after.IsEmpty || Rest.Start().TryAccept(after));
}
