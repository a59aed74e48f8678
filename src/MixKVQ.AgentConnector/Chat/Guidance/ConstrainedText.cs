using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>Text that is held to a constraint, and brought to its end before the output limit. Not thread-safe.</summary>
/// <param name="cursor">The place in the constraint.</param>
/// <param name="endTokens">The ids that end the turn.</param>
/// <param name="endsTurn">Whether the turn ends with it.</param>
internal sealed class ConstrainedText(ConstraintCursor cursor, int[] endTokens, bool endsTurn)
{
    private readonly float[] _endLogits = new float[endTokens.Length];
    private bool _closing;

    /// <summary>Whether nothing can follow but the turn's end or, of a call, free text.</summary>
    public bool IsOver => cursor.MustEnd;

    /// <summary>Bars what may not come next.</summary>
    /// <param name="logits">[vocabulary]; mutated.</param>
    /// <param name="leftTokens">How many tokens the turn may still have.</param>
    public void Restrict(Span<float> logits, int leftTokens)
    {
        // One token is kept for the end of the turn.
        if (!_closing && leftTokens - 1 <= cursor.ShortestCompletionTokens + cursor.LargestStep)
        {
            _closing = true;
            cursor.Close();
        }

        for (int i = 0; i < endTokens.Length; i++)
        {
            _endLogits[i] = logits[endTokens[i]];
        }

        cursor.Restrict(logits);
        if (endsTurn && cursor.IsComplete)
        {
            for (int i = 0; i < endTokens.Length; i++)
            {
                logits[endTokens[i]] = float.IsFinite(_endLogits[i]) ? _endLogits[i] : float.MinValue;
            }
        }
    }

    /// <summary>Takes the next token; an end token ends the text and is no part of it.</summary>
    public void Accept(int token) => cursor.TryAccept(token);
}
