using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>Reads the tokens of fake sequences one by one and records how many came together.</summary>
internal sealed class FakeBatch : ISequenceBatch
{
    /// <summary>The number of sequences of each round.</summary>
    public ConcurrentQueue<int> Rounds { get; } = new();

    /// <summary>Called at the start of every round.</summary>
    public Action? OnRound { get; set; }

    public int MostSequences => 16;

    public void Append(ReadOnlySpan<SequenceToken> tokens, Span<Exception?> failures)
    {
        Rounds.Enqueue(tokens.Length);
        OnRound?.Invoke();
        Assert.Equal(tokens.Length, tokens.ToArray().Select(token => token.Sequence).Distinct().Count());
        for (int i = 0; i < tokens.Length; i++)
        {
            try
            {
                tokens[i].Sequence.Append(new[] { tokens[i].Token }, tokens[i].Logits.Span);
            }
            catch (TimeZoneNotFoundException exception)
            {
                failures[i] = exception;
            }
        }
    }
}
