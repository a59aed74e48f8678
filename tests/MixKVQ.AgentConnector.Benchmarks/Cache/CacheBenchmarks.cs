using BenchmarkDotNet.Attributes;
using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Cache;

/// <summary>What the cache costs a model of the embedded one's shape, 4 layers, 4 query heads, 2 KV heads of 64, at 2,976 tokens, one thread.</summary>
public class CacheBenchmarks : IDisposable
{
    private const int Layers = 4;
    private readonly CacheGeometry _geometry = new(Layers, 4, 2, 64, ScalarType.BFloat16, CPU, null);
    private readonly PackedAttention _packed = new();
    private readonly ReferenceAttention _reference = new();
    private KvCacheFactory? _factory;
    private KvCache? _cache;
    private Tensor? _queries, _keys, _residual;

    [Params(KvCachePolicy.MixKvq, KvCachePolicy.Uniform2, KvCachePolicy.FullPrecision)]
    public KvCachePolicy Policy { get; set; }

    private KvCache Cache => _cache!;

    [GlobalSetup]
    public void Setup()
    {
        TorchLibrary.EnsureLoaded();
        set_num_threads(1);
        _factory = new KvCacheFactory(_geometry, new KvCacheOptions { Policy = Policy });
        _cache = _factory.Create();
        _queries = randn(128, 4, 64).to(ScalarType.BFloat16);
        _keys = randn(128, 2, 64).to(ScalarType.BFloat16);
        _residual = randn(128, 256).to(ScalarType.BFloat16);
        Append(32);
        Cache.CompleteStep();
        while (Cache.TokenCount < 2976)
        {
            Append(128);
            Cache.CompleteStep();
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        foreach (Tensor? tensor in new[] { _queries, _keys, _residual })
        {
            tensor?.Dispose();
        }

        _cache?.Dispose();
        _factory?.Dispose();
    }

    /// <summary>One token's attention over all layers with the kernel that models use.</summary>
    [Benchmark(Baseline = true)]
    public void PackedDecodeStep() => Attend(_packed);

    /// <summary>One token's attention over all layers with the oracle.</summary>
    [Benchmark]
    public void ReferenceDecodeStep() => Attend(_reference);

    /// <summary>128 tokens appended to a fork and sealed, all layers.</summary>
    [Benchmark]
    public void ForkAppendAndSealAPage()
    {
        using KvCache fork = Cache.Fork();
        Append(128, fork);
        fork.CompleteStep();
    }

    private void Attend(IAttentionKernel kernel)
    {
        using Tensor query = _queries!.narrow(0, 0, 1);
        for (int layer = 0; layer < Layers; layer++)
        {
            kernel.Attend(query, Cache.Layer(layer).View, 0.125f).Dispose();
        }
    }

    private void Append(int tokens, KvCache? cache = null)
    {
        using Tensor queries = _queries!.narrow(0, 0, tokens), keys = _keys!.narrow(0, 0, tokens), residual = _residual!.narrow(0, 0, tokens);
        for (int layer = 0; layer < Layers; layer++)
        {
            (cache ?? Cache).Layer(layer).Append(queries, keys, keys, residual);
        }
    }
}
