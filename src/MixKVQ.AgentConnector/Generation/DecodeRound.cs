namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// The generations that read their last token in one pass over the weights, and how many of them will soon want another.
/// The engine's thread alone uses it.
/// </summary>
internal sealed class DecodeRound(TimeProvider timeProvider)
{
    /// <summary>What is waited for those of the last round, at most, as a share of the time that it took.</summary>
    private const int WaitShare = 8;

    private readonly List<ActiveGeneration> _generations = [];
    private SequenceToken[] _tokens = [];
    private Exception?[] _failures = [];
    private int _returning;
    private TimeSpan _elapsed;

    /// <summary>
    /// Waits a little for the last round's generations: each is back as soon as its consumer has asked for the next token. Without it the first to ask
    /// would be served alone while the others come, and no two would ever share a round.
    /// </summary>
    public void AwaitReturns(StepQueue queue)
    {
        if (_returning > 1)
        {
            queue.AwaitCount(_returning, _elapsed / WaitShare);
        }

        _returning = 0;
    }

    /// <summary>Takes a step for a generation and for those that wait in the queue and can share it.</summary>
    public void Run(ActiveGeneration first, ISequenceBatch batch, StepQueue queue)
    {
        _generations.Clear();
        _generations.Add(first);
        queue.TakeCompanions(_generations, batch, batch.MostSequences);
        _generations.RemoveAll(generation => generation.EndIfCancelled());
        if (_generations.Count == 0)
        {
            return;
        }

        if (_tokens.Length < _generations.Count)
        {
            (_tokens, _failures) = (new SequenceToken[_generations.Count], new Exception?[_generations.Count]);
        }

        long start = timeProvider.GetTimestamp();
        Span<Exception?> failures = _failures.AsSpan(0, _generations.Count);
        failures.Clear();
        for (int i = 0; i < _generations.Count; i++)
        {
            _tokens[i] = _generations[i].LastToken(i);
        }

        try
        {
            batch.Append(_tokens.AsSpan(0, _generations.Count), failures);
        }
        catch (Exception exception)
        {
            failures.Fill(exception);
        }

        _elapsed = timeProvider.GetElapsedTime(start);
        for (int i = 0; i < _generations.Count; i++)
        {
            _returning += _generations[i].EndRead(_tokens[i].Logits.Span, start, failures[i]) ? 1 : 0;
        }

        Array.Clear(_tokens);
    }
}
