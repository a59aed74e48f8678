using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>What loading a model logs.</summary>
internal static partial class HostingLog
{
    /// <summary>A model was loaded.</summary>
    public static void Loaded(ILogger logger, MixKvqOptions options, ModelConfig config, torch.ScalarType type, string device, int contextLength, TimeSpan took) => Loaded(
        logger,
        options.ModelPath,
        config.Architecture,
        config.LayerCount,
        config.QueryHeadCount,
        config.KeyValueHeadCount,
        config.HeadDim,
        type,
        device,
        contextLength,
        options.Cache.Policy,
        options.Cache.TargetBits,
        took.TotalSeconds);

    /// <summary>The load that a host began failed.</summary>
    [LoggerMessage(7, LogLevel.Error, "Loading {ModelName} in the background failed; the first request will try again.")]
    public static partial void LoadFailed(ILogger logger, string modelName, Exception exception);

    [LoggerMessage(
        3,
        LogLevel.Information,
        "Loaded {ModelPath}: {Architecture}, {Layers} layers, {QueryHeads} query and {KeyValueHeads} key-value heads of {HeadDim}, {DType} on {Device}, "
        + "context {ContextLength}; cache policy {Policy}, target {TargetBits} bits; {Seconds:F1} s.")]
    private static partial void Loaded(
        ILogger logger,
        string modelPath,
        ModelArchitecture architecture,
        int layers,
        int queryHeads,
        int keyValueHeads,
        int headDim,
        torch.ScalarType dType,
        string device,
        int contextLength,
        KvCachePolicy policy,
        double targetBits,
        double seconds);
}
