using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Masks;

namespace MixKVQ.AgentConnector.Constraints;

/// <summary>
/// How far one generation has come in a grammar. From every position the text can be completed, token by token, whatever is
/// chosen of what is allowed. Not thread-safe.
/// </summary>
internal sealed class ConstraintCursor
{
    private readonly TokenConstraint _constraint;
    private readonly ulong[] _allowed;
    private Configuration _configuration;
    private TokenMask? _written;
    private bool _isClosing;

    internal ConstraintCursor(TokenConstraint constraint, Configuration start)
    {
        _constraint = constraint;
        _configuration = start;
        _allowed = new ulong[constraint.Vocabulary.MaskWords];
    }

    /// <summary>Whether the text may end here.</summary>
    public bool IsComplete => _configuration.IsComplete;

    /// <summary>Whether nothing can follow.</summary>
    public bool MustEnd => _configuration.IsComplete && (_isClosing || Mask.IsEmpty);

    /// <summary>At most so many tokens complete the text by the way that <see cref="Close"/> allows.</summary>
    public int ShortestCompletionTokens => _configuration.Shortest;

    /// <summary>
    /// By how much the next token may raise <see cref="ShortestCompletionTokens"/>. A caller with n tokens left closes as soon
    /// as the sum of both is n or more, and the text is complete within them.
    /// </summary>
    public int LargestStep => Math.Max(0, Mask.LargestShortest - _configuration.Shortest);

    /// <summary>A set of ids, 64 a word, the lowest bit first; valid until the next change. Empty where nothing can follow.</summary>
    public ReadOnlySpan<ulong> AllowedTokens
    {
        get
        {
            TokenMask mask = Mask;
            if (!ReferenceEquals(mask, _written))
            {
                mask.CopyTo(_allowed);
                _written = mask;
            }

            return _allowed;
        }
    }

    private TokenMask Mask => _isClosing ? _constraint.ClosingMaskOf(_configuration) : _constraint.MaskOf(_configuration);

    /// <summary>Goes on by one token; false, and nothing changes, where it is not allowed.</summary>
    public bool TryAccept(int token)
    {
        ReadOnlySpan<byte> bytes = _constraint.Vocabulary.BytesOf(token).Span;
        if (!bytes.IsEmpty)
        {
            return TryAccept(bytes);
        }

        return TryMove(_configuration.StepToken(token, _constraint.Store));
    }

    /// <summary>Goes on by ordinary text, of any tokens; false, and nothing changes, where it is not allowed.</summary>
    public bool TryAccept(ReadOnlySpan<byte> bytes)
    {
        Configuration next = _configuration;
        foreach (byte value in bytes)
        {
            Configuration before = next;
            next = next.Step(value, _constraint.Store);
            if (_isClosing && next.Shortest >= before.Shortest)
            {
                return false;
            }
        }

        return TryMove(next);
    }

    /// <summary>From now on allows only what leads to the end the shortest way.</summary>
    public void Close() => _isClosing = true;

    /// <summary>Sets the logits of all tokens that are not allowed to negative infinity.</summary>
    public void Restrict(Span<float> logits) => LogitMask.Apply(AllowedTokens, logits);

    private bool TryMove(Configuration next)
    {
        if (next.IsDead || (_isClosing && !ReferenceEquals(next, _configuration) && next.Shortest >= _configuration.Shortest))
        {
            return false;
        }

        _configuration = next;
        return true;
    }
}
