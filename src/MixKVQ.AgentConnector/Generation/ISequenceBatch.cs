namespace MixKVQ.AgentConnector.Generation;

/// <summary>Reads one token for each of several sequences of one model in one pass over the model's weights. One thread at a time.</summary>
internal interface ISequenceBatch
{
    /// <summary>The most sequences that are worth a pass together.</summary>
    int MostSequences { get; }

    /// <summary>Reads the tokens. What one sequence makes of its token does not depend on the others. If it throws, all of the sequences are of no further use before <see cref="IModelSequence.AbandonStep"/>.</summary>
    /// <param name="tokens">Of different sequences.</param>
    /// <param name="failures">As long as <paramref name="tokens"/>; receives what went wrong for one sequence alone, which <see cref="IModelSequence.AbandonStep"/> alone makes of use again, else null.</param>
    void Append(ReadOnlySpan<SequenceToken> tokens, Span<Exception?> failures);
}
