using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.GpuCheck.Attention;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.DecodeStep;

/// <summary>A whole decode step of a large model with random weights at a context of 32k: packed caches against caches in bf16, and how many of each fit.</summary>
internal static class DecodeStepStage
{
    private const int PageCount = 255;
    private const double WantedConversations = 5;
    private const double WantedThroughput = 2.81;

    // What a step takes beside weights and caches, and what allocators waste.
    private const long Reserve = 3L << 30;

    private static readonly int[] Conversations = [1, 8, 32];

    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine) => Run(machine, LargeModel.Config, PageCount, machine.FreeAtStart - Reserve);

    /// <summary>Runs the stage with another model.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="pageCount">Sealed pages of each conversation.</param>
    /// <param name="room">Bytes for weights and caches together.</param>
    public static void Run(CheckMachine machine, ModelConfig config, int pageCount, long room)
    {
        var table = new StepTable(machine.Report);
        long forCaches = room - WeightBytes(config);
        (int denseMost, double denseSpeed) = MeasureDense(machine, config, pageCount, forCaches, table);
        (int packedMost, double packedSpeed) = MeasurePacked(machine, config, pageCount, forCaches, table);
        machine.Report.Line();
        machine.Report.Line($"Memory for caches beside the weights: {forCaches / 1e9:F1} GB. Sealed pages hold {new KvCacheOptions().TargetBits} bits an element.");
        machine.Report.Bar("the most conversations of such a length, packed / bf16", (double)packedMost / denseMost, WantedConversations);
        machine.Report.Bar("tokens a second at the most conversations, packed (sealing included) / bf16", packedSpeed / denseSpeed, WantedThroughput);
    }

    private static (int Most, double TokensASecond) MeasureDense(CheckMachine machine, ModelConfig config, int pageCount, long room, StepTable table)
    {
        using var decoder = new DenseDecoder(machine, config);
        int tokens = CacheGeometry.SinkTokens + (pageCount * CacheGeometry.PageTokens);
        int capacity = tokens + CacheGeometry.PageTokens;
        long bytes = DenseBatch.BytesOf(LargeModel.HeadsOf(config), 1, capacity) * config.LayerCount;
        int most = (int)Math.Max(1, room / bytes);
        double speed = 0;
        foreach (int wanted in Conversations.Where(count => count < most).Append(most))
        {
            int count = Take(decoder, wanted, capacity);
            using Tensor ids = zeros([count], ScalarType.Int64, machine.Device);
            // Always at one position: libtorch prepares for a length anew whenever it differs, which takes several times as long as the step.
            var chosen = DeviceTime.Of(machine, _ => decoder.Decode(ids, tokens, TorchAttention.Chosen).Dispose());
            var flash = DeviceTime.Of(machine, _ => decoder.Decode(ids, tokens, TorchAttention.Flash).Dispose());
            DeviceTime time = flash.Median < chosen.Median ? flash : chosen;
            speed = table.Add(time == chosen ? "bf16" : "bf16, flash", count, tokens, count * bytes, time.Median, time.Text);
            most = Math.Min(most, wanted == most ? count : most);
        }

        return (most, speed);
    }

    // As many as there is room for, at most the number wanted.
    private static int Take(DenseDecoder decoder, int wanted, int capacity)
    {
        for (int count = wanted; ; count--)
        {
            try
            {
                decoder.Take(count, capacity);
                return count;
            }
            catch (ExternalException fault) when (count > 1 && DeviceRoom.IsMissing(fault))
            {
                // One less, then.
            }
        }
    }

    private static (int Most, double TokensASecond) MeasurePacked(CheckMachine machine, ModelConfig config, int pageCount, long room, StepTable table)
    {
        var options = new KvCacheOptions();
        using var model = new DecoderModel(config, new RandomWeights(), machine.Device, ScalarType.BFloat16, options.ExpectsRotatedValues, kernels: machine.Kernels);
        using var factory = new KvCacheFactory(model.CacheGeometry, options, model.Team, machine.Kernels);
        var pages = new SealedPages(model.CacheGeometry, options);
        using Tensor onDevice = pages.On(machine.Device);
        int tokens = CacheGeometry.SinkTokens + (pageCount * CacheGeometry.PageTokens);
        int most = (int)Math.Max(1, room / factory.BytesToHold(0, tokens + CacheGeometry.PageTokens));
        using var batch = new PackedConversations(machine, model, () => pages.Fill(factory, onDevice, pageCount));
        foreach (int wanted in Conversations.Where(count => count < most).Append(most))
        {
            int count = batch.Grow(wanted);
            var time = DeviceTime.Of(machine, _ => batch.Decode());
            table.Add("packed", count, tokens, factory.HeldBytes, time.Median, time.Text);
        }

        double milliseconds = batch.TimeOfPage();
        double speed = table.Add("packed, sealing included", batch.Count, tokens, factory.HeldBytes, milliseconds, $"{milliseconds:F2}");
        return (batch.Count, speed);
    }

    private static long WeightBytes(ModelConfig config) =>
        2 * DecoderTensors.Of(config).Sum(spec => spec.Shape.Aggregate(1L, (product, size) => product * size));
}
