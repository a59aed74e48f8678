using BenchmarkDotNet.Attributes;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using TorchSharp;

namespace MixKVQ.AgentConnector.Benchmarks.Models;

/// <summary>One decode step of a model of the embedded planner model's shape, random weights, with the default cache, on one thread: its time, and what it allocates.</summary>
[MemoryDiagnoser]
[InvocationCount(StepsAPrompt, unrollFactor: 16)]
public class DecodeStepBenchmarks : IDisposable
{
    // The prompts end at page borders: none of the steps seals a page, and the context stays what is asked for.
    private const int StepsAPrompt = 112;

    private const int NextToken = 5;

    private readonly DecodeInput[] _inputs = new DecodeInput[1];
    private readonly Exception?[] _failures = new Exception?[1];

    private float[] _logits = [];
    private string _folder = "";
    private DecoderModel? _model;
    private KvCacheFactory? _factory;
    private KvCache? _prompt;
    private KvCache? _cache;

    [Params(torch.ScalarType.Float32, torch.ScalarType.BFloat16)]
    public torch.ScalarType DType { get; set; }

    [Params(288, 1952)]
    public int ContextTokens { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(1);
        _folder = Directory.CreateTempSubdirectory().FullName;
        File.WriteAllText(
            Path.Combine(_folder, "config.json"),
            """
            { "model_type": "qwen3", "vocab_size": 4096, "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4, "num_attention_heads": 4,
              "num_key_value_heads": 2, "head_dim": 64, "max_position_embeddings": 4096, "tie_word_embeddings": true }
            """);
        using (var scope = torch.NewDisposeScope())
        {
            SafetensorsWriter.Write(
                Path.Combine(_folder, "model.safetensors"),
                [.. DecoderTensors.Of(ModelConfig.Load(_folder)).Select(spec => (spec.Name, torch.randn([.. spec.Shape]) * 0.05))]);
        }

        _model = DecoderModel.Load(_folder, torch.CPU, DType);
        _factory = new KvCacheFactory(_model.CacheGeometry, new KvCacheOptions());
        _prompt = _factory.Create();
        while (_prompt.TokenCount < ContextTokens)
        {
            int[] ids = [.. Enumerable.Range(_prompt.TokenCount, Math.Min(_prompt.TokensToPageBorder, ContextTokens - _prompt.TokenCount)).Select(i => i * 37 % 4096)];
            _model.Forward(new ForwardStep(ids, _prompt)).Dispose();
        }

        _logits = new float[_model.Config.VocabularySize];
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _cache?.Dispose();
        _prompt?.Dispose();
        _factory?.Dispose();
        _model?.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Goes back to the end of the prompt.</summary>
    [IterationSetup]
    public void Rewind()
    {
        _cache?.Dispose();
        _cache = _prompt!.Fork();
        _inputs[0] = new DecodeInput(NextToken, _cache, _logits);
    }

    /// <summary>A step.</summary>
    [Benchmark]
    public void DecodeOneToken() => _model!.Decode(_inputs, _failures);
}
