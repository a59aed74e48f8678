using BenchmarkDotNet.Attributes;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Benchmarks.Sampling;

/// <summary>One token chosen from logits that are spread as a language model's: a few high ones over a normal distribution.</summary>
[MemoryDiagnoser]
public class TokenSamplerBenchmarks
{
    private float[] _source = [];
    private float[] _logits = [];
    private TokenSampler _sampler = new(SamplingOptions.Greedy);

    [Params(4096, 152_064)]
    public int VocabularySize { get; set; }

    [Params("greedy", "temperature", "top-k 20, top-p 0.95", "top-p 0.95", "top-p 0.95, temperature 3", "min-p 0.05", "all and penalties")]
    public string Settings { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        Random random = new(1);
        _source = new float[VocabularySize];
        for (int i = 0; i < _source.Length; i++)
        {
            _source[i] = (float)(2.5 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        for (int i = 0; i < 20; i++)
        {
            _source[random.Next(VocabularySize)] = 10 + random.NextSingle() * 8;
        }

        _logits = new float[VocabularySize];
        _sampler = new TokenSampler(Settings switch
        {
            "greedy" => SamplingOptions.Greedy,
            "temperature" => new() { Seed = 1 },
            "top-k 20, top-p 0.95" => new() { Temperature = 0.6f, TopK = 20, TopP = 0.95f, Seed = 1 },
            "top-p 0.95" => new() { Temperature = 0.6f, TopP = 0.95f, Seed = 1 },
            "top-p 0.95, temperature 3" => new() { Temperature = 3, TopP = 0.95f, Seed = 1 },
            "min-p 0.05" => new() { MinP = 0.05f, Seed = 1 },
            _ => new() { TopK = 40, TopP = 0.95f, MinP = 0.05f, RepetitionPenalty = 1.1f, PresencePenalty = 0.1f, FrequencyPenalty = 0.1f, Seed = 1 },
        });
        _sampler.AddPrompt([.. Enumerable.Range(0, 2000)]);
    }

    [Benchmark]
    public int Sample()
    {
        _source.CopyTo(_logits, 0);
        return _sampler.Sample(_logits);
    }
}
