using System.Diagnostics;
using System.Threading.Tasks.Sources;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// One generation under way. It is handed to and fro: between <see cref="AwaitToken"/> and the end of its task the engine's thread
/// alone uses it, at all other times the consumer alone, so that nothing in it needs a lock.
/// </summary>
internal sealed class ActiveGeneration : IEngineStep, IValueTaskSource<GeneratedToken>
{
    private readonly GenerationRequest _request;
    private readonly TokenSampler _sampler;
    private readonly StepBuffers _buffers;
    private readonly TimeProvider _timeProvider;
    private readonly CancellationToken _cancellationToken;
    private readonly int _promptTokenCount;
    private readonly int[] _lastToken = new int[1];
    private readonly List<int> _generated = [];
    private ReadOnlyMemory<int> _unread;
    private GenerationStatistics _statistics;

    // Continuations must not run on the engine's thread.
    private ManualResetValueTaskSourceCore<GeneratedToken> _next = new() { RunContinuationsAsynchronously = true };

    /// <exception cref="ArgumentException">The request or its sampling options are not valid.</exception>
    public ActiveGeneration(GenerationRequest request, StepBuffers buffers, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        request.Validate();
        _request = request;
        _unread = request.PrefillTokens;
        _buffers = buffers;
        _timeProvider = timeProvider;
        _cancellationToken = cancellationToken;
        _promptTokenCount = request.PromptTokenCount;
        _sampler = new TokenSampler(request.Sampling, buffers.Candidates, request.Guide);
        _sampler.AddPrompt(request.ContextTokens.Span);
        _sampler.AddPrompt(request.PrefillTokens.Span);
    }

    /// <summary>Consumer: the task that ends with the next token, once the engine has this generation in its queue.</summary>
    public ValueTask<GeneratedToken> AwaitToken()
    {
        _next.Reset();
        return new ValueTask<GeneratedToken>(this, _next.Version);
    }

    /// <summary>Engine: what can read this generation's last token together with others'; null while it reads its prompt, or what it lost, and where its model reads each alone.</summary>
    public ISequenceBatch? Batch => _unread.IsEmpty ? _request.Sequence.Batch : null;

    /// <summary>Consumer: makes the generation go on after a step that failed. The sequence reads again what it lost.</summary>
    public void Resume()
    {
        int[] tokens = [.. _request.ContextTokens.Span, .. _request.PrefillTokens.Span, .. _generated];
        _unread = tokens.AsMemory(_request.Sequence.AbandonStep(tokens.Length - 1));
    }

    /// <summary>Engine: whether the consumer cancelled; the awaited task has ended then.</summary>
    public bool EndIfCancelled()
    {
        if (!_cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        Fail(new OperationCanceledException(_cancellationToken));
        return true;
    }

    /// <summary>Engine: the token to read, with room for its logits: the row of the buffers that is free for it.</summary>
    public SequenceToken LastToken(int row) => new(_request.Sequence, _lastToken[0], _buffers.Logits(row, _request.Sequence.VocabularySize));

    /// <summary>Engine: ends the awaited task, after the last token was read elsewhere.</summary>
    /// <param name="logits">What follows the token; changed.</param>
    /// <param name="start">When the reading began, a timestamp.</param>
    /// <param name="failure">What went wrong with it, or null.</param>
    /// <returns>Whether the generation goes on.</returns>
    public bool EndRead(Span<float> logits, long start, Exception? failure)
    {
        try
        {
            if (failure is null)
            {
                return CompleteDecoded(logits, start);
            }
        }
        catch (Exception exception)
        {
            // Whatever is wrong with these logits is this generation's alone.
            failure = exception;
        }

        Fail(failure);
        return false;
    }

    /// <summary>
    /// Engine: reads one chunk of what is to be read, or the last token. True if that ended the awaited task, false if there is more to read.
    /// </summary>
    /// <exception cref="OperationCanceledException">The consumer cancelled; nothing was read.</exception>
    public bool Advance()
    {
        _cancellationToken.ThrowIfCancellationRequested();
        long start = _timeProvider.GetTimestamp();
        Span<float> logits = _buffers.Logits(0, _request.Sequence.VocabularySize).Span;
        if (_unread.IsEmpty)
        {
            _request.Sequence.Append(_lastToken, logits);
            CompleteDecoded(logits, start);
            return true;
        }

        int count = Math.Min(_unread.Length, _request.Sequence.TokensToPageBorder);
        Debug.Assert(count > 0, "A sequence always takes at least one token.");
        bool isLast = count == _unread.Length;
        _request.Sequence.Append(_unread[..count], isLast ? logits : []);
        _unread = _unread[count..];
        int next = isLast ? _sampler.Sample(logits) : 0;
        _statistics = _statistics with
        {
            PrefilledTokenCount = _statistics.PrefilledTokenCount + count,
            PrefillTime = _statistics.PrefillTime + _timeProvider.GetElapsedTime(start),
        };
        if (isLast)
        {
            Complete(next, _statistics);
        }

        return isLast;
    }

    /// <summary>Engine: ends the awaited task with an exception; the generation takes no further step.</summary>
    public void Fail(Exception exception) => _next.SetException(exception);

    GeneratedToken IValueTaskSource<GeneratedToken>.GetResult(short token) => _next.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<GeneratedToken>.GetStatus(short token) => _next.GetStatus(token);

    void IValueTaskSource<GeneratedToken>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _next.OnCompleted(continuation, state, token, flags);

    private bool CompleteDecoded(Span<float> logits, long start)
    {
        int next = _sampler.Sample(logits);
        return Complete(next, _statistics with { DecodeTime = _statistics.DecodeTime + _timeProvider.GetElapsedTime(start) });
    }

    /// <summary>Whether the generation goes on; once this returns, the consumer has the word.</summary>
    private bool Complete(int token, GenerationStatistics statistics)
    {
        _lastToken[0] = token;
        _generated.Add(token);
        _statistics = statistics with { GeneratedTokenCount = statistics.GeneratedTokenCount + 1 };
        GenerationEnd? end = FindEnd(token);
        _next.SetResult(new GeneratedToken(token, end, _statistics) { Likelihood = _sampler.LastLikelihood });
        return end is null;
    }

    private GenerationEnd? FindEnd(int token) =>
        _request.EndTokens.Contains(token) ? GenerationEnd.EndToken
        : _statistics.GeneratedTokenCount >= _request.MaxOutputTokens ? GenerationEnd.OutputLimit
        : _promptTokenCount + _statistics.GeneratedTokenCount >= _request.MaxContextTokens ? GenerationEnd.ContextLimit
        : null;
}
