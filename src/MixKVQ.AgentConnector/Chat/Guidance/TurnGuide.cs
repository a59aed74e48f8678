using System.Runtime.InteropServices;
using System.Text;
using MixKVQ.AgentConnector.Constraints;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>
/// Leads the model through one turn: a thought ends within its limit, calls that the model opens are well-formed, and
/// an answer that has to have a form has it, and comes to its end before the output limit. Not thread-safe.
/// </summary>
internal sealed class TurnGuide : ITokenGuide
{
    private static readonly byte[] ThoughtOpen = Encoding.UTF8.GetBytes(ThoughtTags.Open);

    private readonly TurnForm _form;
    private readonly ModelTokenizer _tokenizer;
    private readonly int[] _endTokens;
    private readonly int _maxTokens;
    private readonly List<byte> _opening = [];
    private readonly MarkerSearch? _thoughtEnd;
    private int _tokenCount;
    private bool _isOpening;
    private ThoughtLimiter? _thought;
    private ConstrainedText? _constrained;
    private CallSearch _calls;

    /// <param name="form">What the turn has to look like.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="endTokens">The ids that end the turn.</param>
    /// <param name="startsInThought">Whether the prompt ended by opening a thought.</param>
    /// <param name="maxTokens">The most tokens of the turn.</param>
    public TurnGuide(TurnForm form, ModelTokenizer tokenizer, IEnumerable<int> endTokens, bool startsInThought, int maxTokens)
    {
        _form = form;
        _tokenizer = tokenizer;
        _endTokens = [.. endTokens.Where(id => id < tokenizer.VocabularySize)];
        _maxTokens = maxTokens;
        _calls = new CallSearch(form.Calls);
        _thoughtEnd = form.ThoughtEnd?.Search();
        _isOpening = !startsInThought;
        if (startsInThought)
        {
            _thought = Limiter();
            return;
        }

        if (form.Opening is { } opening)
        {
            _constrained = Constrain(opening.Start(), endsTurn: true);
        }
    }

    private int LeftTokens => _maxTokens - _tokenCount;

    /// <summary>While it is not decided whether the turn opens a thought: what was written, a beginning of the tag.</summary>
    private ReadOnlySpan<byte> OpeningText => CollectionsMarshal.AsSpan(_opening).TrimStart(" \t\r\n"u8);

    /// <inheritdoc/>
    public void Restrict(Span<float> logits)
    {
        if (_thought is not null)
        {
            RestrictThought(logits, _thought);
        }
        else if (_constrained is not null)
        {
            _constrained.Restrict(logits, LeftTokens);
        }
        else
        {
            _calls.Restrict(logits);
            if (_isOpening)
            {
                _form.BarredThought?.Bar(OpeningText.Length, logits);
            }
        }
    }

    /// <inheritdoc/>
    public void Accept(int token)
    {
        _tokenCount++;
        if (_thought is not null)
        {
            AcceptThought(token, _thought);
            return;
        }

        _constrained?.Accept(token);
        ReadOnlySpan<byte> bytes = _tokenizer.BytesOf(token);
        if (_isOpening)
        {
            _opening.AddRange(bytes);
            ReadOpening();
        }
        else if (_constrained is null)
        {
            ReadAnswer(bytes);
        }

        if (_constrained?.IsOver == true && _form.Opening is null)
        {
            // The call is whole: the model is free again.
            _constrained = null;
            _calls = new CallSearch([.. _form.Calls.Where(call => !call.OpensAnswerOnly)]);
        }
    }

    private void RestrictThought(Span<float> logits, ThoughtLimiter thought)
    {
        if (thought.Force() is { } forced)
        {
            float logit = logits[forced];
            logits.Fill(float.NegativeInfinity);
            logits[forced] = float.IsFinite(logit) ? logit : 0;
        }
        else if (_thoughtEnd is not null)
        {
            // A turn that has to have a form does not end in its thought.
            _form.ThoughtEnd!.Bar(_thoughtEnd.MatchedBytes, logits);
            foreach (int end in _endTokens)
            {
                logits[end] = float.NegativeInfinity;
            }
        }
    }

    private void AcceptThought(int token, ThoughtLimiter thought)
    {
        _thoughtEnd?.Read(_tokenizer.BytesOf(token));
        if (!thought.Accept(token, out ReadOnlySpan<byte> rest))
        {
            return;
        }

        _thought = null;
        if (_form.ThoughtEnd?.Rest is { } answer)
        {
            ConstraintCursor cursor = answer.Start();
            cursor.TryAccept(rest);
            _constrained = Constrain(cursor, endsTurn: true);
        }
        else
        {
            ReadAnswer(rest);
        }
    }

    /// <summary>Decides, once enough was written, whether the turn opens a thought.</summary>
    private void ReadOpening()
    {
        ReadOnlySpan<byte> start = OpeningText;
        if (start.StartsWith(ThoughtOpen))
        {
            _isOpening = false;
            _constrained = null;
            _thought = Limiter();
        }
        else if (!ThoughtOpen.AsSpan().StartsWith(start))
        {
            _isOpening = false;
            if (_constrained is null)
            {
                ReadAnswer(start);
            }
        }
    }

    private void ReadAnswer(ReadOnlySpan<byte> bytes)
    {
        if (_form.Calls.Count > 0 && _calls.Read(bytes) is { } call)
        {
            _constrained = Constrain(call, endsTurn: false);
        }
    }

    private ConstrainedText Constrain(ConstraintCursor cursor, bool endsTurn) => new(cursor, _endTokens, endsTurn);

    /// <summary>A thought leaves half of a limited turn to an answer that has to have a form.</summary>
    private ThoughtLimiter Limiter()
    {
        int? limit = _form.ThoughtTokens;
        return new ThoughtLimiter(_tokenizer, _form.ThoughtEnd is null ? limit : Math.Min(limit ?? int.MaxValue, LeftTokens / 2));
    }
}
