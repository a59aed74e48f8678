using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>A sequence without a model: page borders as the cache's, logits from a function of the tokens read, steps recorded.</summary>
internal sealed class FakeSequence(string name, ConcurrentQueue<string>? log = null) : IModelSequence
{
    private int _isInUse;

    public List<int> Tokens { get; } = [];

    /// <summary>The length of each step.</summary>
    public List<int> Steps { get; } = [];

    /// <summary>Whether each step asked for logits.</summary>
    public List<bool> WantedLogits { get; } = [];

    public HashSet<int> ThreadIds { get; } = [];

    /// <summary>Writes the logits that follow the tokens read; by default the next id, cyclically, is the most probable.</summary>
    public Action<IReadOnlyList<int>, Span<float>> Logits { get; init; } = (tokens, logits) =>
    {
        logits.Clear();
        logits[(tokens[^1] + 1) % logits.Length] = 1;
    };

    /// <summary>Called at the start of every step.</summary>
    public Action? OnStep { get; set; }

    public int VocabularySize { get; init; } = 1000;

    public ISequenceBatch? Batch { get; init; }

    public int TokenCount => Tokens.Count;

    public int TokensToPageBorder => TokenCount < 160 ? 160 - TokenCount : 128 - ((TokenCount - 160) % 128);

    public int AbandonStep(int maxTokens)
    {
        _isInUse = 0;
        int kept = CacheGeometry.PageBorder(Math.Min(maxTokens, TokenCount));
        Tokens.RemoveRange(kept, TokenCount - kept);
        return kept;
    }

    public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
    {
        Assert.Equal(0, Interlocked.Exchange(ref _isInUse, 1));
        Assert.InRange(tokens.Length, 1, TokensToPageBorder);
        log?.Enqueue(name);
        ThreadIds.Add(Environment.CurrentManagedThreadId);
        OnStep?.Invoke();
        Tokens.AddRange(tokens.Span);
        Steps.Add(tokens.Length);
        WantedLogits.Add(!lastLogits.IsEmpty);
        if (!lastLogits.IsEmpty)
        {
            Assert.Equal(VocabularySize, lastLogits.Length);
            Logits(Tokens, lastLogits);
        }

        Assert.Equal(1, Interlocked.Exchange(ref _isInUse, 0));
    }
}
