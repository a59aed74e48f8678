using BenchmarkDotNet.Attributes;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Benchmarks.Generation;

/// <summary>What the engine adds to a decode step: queue, hand-over between threads and greedy choice, with a model that does nothing.</summary>
[MemoryDiagnoser]
public class InferenceEngineBenchmarks
{
    private const int TokenCount = 10_000;

    [Params(4096, 152_064)]
    public int VocabularySize { get; set; }

    [Benchmark(OperationsPerInvoke = TokenCount)]
    public async Task<int> Token()
    {
        GenerationRequest request = new(new InstantSequence(VocabularySize), new int[1], default, SamplingOptions.Greedy, TokenCount, [-1], int.MaxValue);
        int sum = 0;
        await using InferenceEngine engine = new();
        await foreach (GeneratedToken token in engine.GenerateAsync(request))
        {
            sum += token.Id;
        }

        return sum;
    }

    private sealed class InstantSequence(int vocabularySize) : IModelSequence
    {
        public int VocabularySize => vocabularySize;

        public int TokenCount { get; private set; }

        public int TokensToPageBorder => 128;

        public void Append(ReadOnlyMemory<int> tokens, Span<float> lastLogits)
        {
            TokenCount += tokens.Length;
            lastLogits.Clear();
        }

        public int AbandonStep(int maxTokens) => TokenCount;
    }
}
