using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models.Cuda;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

/// <summary>The programs that the product compiles for two models, with the constants that it gives them: one large, on a large GPU, and one that differs in all that kernels see, on a small GPU.</summary>
internal static class ProductPrograms
{
    private const int LargeSharedBytes = 227 * 1024;
    private const int SmallSharedBytes = 99 * 1024;

    private static readonly Lazy<ILookup<string, KernelProgram>> Recorded = new(() => Record().ToLookup(program => program.File));

    /// <summary>The ways in which a file is compiled, the large model's first.</summary>
    /// <exception cref="InvalidOperationException">None: what compiles it is not listed here.</exception>
    public static IReadOnlyList<KernelProgram> Of(string file) => Recorded.Value.Contains(file)
        ? [.. Recorded.Value[file]]
        : throw new InvalidOperationException($"{file}.cu is new: make what compiles it in {nameof(ProductPrograms)}.{nameof(Record)}.");

    private static IEnumerable<KernelProgram> Record()
    {
        var large = new CacheGeometry(32, 32, 8, 128, ScalarType.BFloat16, torch.CPU, OutputWeights: null);
        var small = new CacheGeometry(4, 14, 2, 64, ScalarType.Float32, torch.CPU, OutputWeights: null);
        KvCacheOptions sixteenths = new() { Policy = KvCachePolicy.MixKvqThresholds, ValueGroupSize = 32 };
        return [.. Record(large, new KvCacheOptions(), LargeSharedBytes), .. Record(small, sixteenths, SmallSharedBytes)];
    }

    private static IReadOnlyList<KernelProgram> Record(CacheGeometry geometry, KvCacheOptions options, int sharedBytes)
    {
        var device = new ProgramRecorder(sharedBytes);
        using var folder = new ModelFolder();
        ModelConfig config = ModelConfig.Load(folder.WithConfig("{}").Path) with
        {
            QueryHeadCount = geometry.QueryHeadCount,
            KeyValueHeadCount = geometry.KeyValueHeadCount,
            HeadDim = geometry.HeadDim,
        };
        _ = new PointwiseKernels(device, geometry.DType);
        _ = new HeadKernels(device, config, geometry.DType);
        using var factory = new KvCacheFactory(geometry, options, team: null, device);
        using var attention = new DecodeAttention(device, factory.Layout);
        using var prefill = new PrefillAttention(device, factory.Layout, torch.CPU);
        return device.Programs;
    }
}
