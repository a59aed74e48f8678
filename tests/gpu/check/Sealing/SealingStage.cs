using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.GpuCheck.DecodeStep;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Sealing;

/// <summary>Sealing a page of a large model: statistics, plan, quantizing and packing of 128 tokens of all layers and heads.</summary>
internal static class SealingStage
{
    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine)
    {
        var config = LargeModel.Config;
        CacheGeometry geometry = LargeModel.HeadsOf(config).Geometry(config.LayerCount, machine.Device);
        machine.Report.Table("layers", "heads", "policy", "a page, KiB", "sealing a page, ms");
        foreach (KvCacheOptions options in new KvCacheOptions[] { new(), new() { Policy = KvCachePolicy.MixKvqThresholds }, new() { Policy = KvCachePolicy.Uniform2 } })
        {
            using var factory = new KvCacheFactory(geometry, options, null, machine.Kernels);
            using IQueryStatistics statistics = factory.CreateStatistics();
            using Tensor tail = empty([config.LayerCount, 2, config.KeyValueHeadCount, CacheGeometry.PageTokens, config.HeadDim], geometry.DType, machine.Device).normal_();
            using Tensor queries = empty([CacheGeometry.PageTokens, config.QueryHeadCount, config.HeadDim], geometry.DType, machine.Device).normal_();
            using Tensor hidden = empty([CacheGeometry.PageTokens, config.HiddenSize], geometry.DType, machine.Device).normal_();
            for (int layer = 0; layer < config.LayerCount; layer++)
            {
                statistics.Add(layer, queries, hidden, 0);
            }

            int bytes = 0;
            var time = DeviceTime.Of(machine, _ =>
            {
                var page = factory.Sealer.Seal(tail, statistics, CacheGeometry.SinkTokens);
                bytes = page.SlabBytes;
                page.Release();
            });
            machine.Report.Row($"{config.LayerCount}", LargeModel.HeadsOf(config).Name, $"{options.Policy}", $"{bytes / 1024}", time.Text);
        }
    }
}
