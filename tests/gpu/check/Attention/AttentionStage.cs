using System.Globalization;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Attention;

/// <summary>Attention of one new token of each of several conversations: packed pages against libtorch's own in bf16, and against reading the packed bytes.</summary>
internal static class AttentionStage
{
    // Several times the second cache level, 50 MB on an H100.
    private const long ColdBytes = 256L << 20;
    private const int BarContext = 32768;
    private const int BarConversations = 8;
    private const double WantedOverRival = 4;
    private const double WantedOfCopySpeed = 0.5;

    private static readonly AttentionHeads[] Heads = [new(32, 8, 128), new(40, 8, 128)];
    private static readonly int[] Conversations = [1, 8, 32, 64];
    private static readonly int[] Contexts = [4096, 32768, 131072];

    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine)
    {
        double copySpeed = CopySpeed.BytesAMillisecond(machine);
        machine.Report.Table(
            "heads", "conversations", "context", "packed, MiB", "packed, ms", "GB/s", "of copy speed", "SDPA bf16 by group, ms", "SDPA bf16 enable_gqa, ms", "best SDPA / packed");
        List<(double OverRival, double OfCopySpeed)> bars = [];
        foreach (AttentionHeads heads in Heads)
        {
            var pages = new SealedPages(heads.Geometry(1, machine.Device), new KvCacheOptions());
            foreach (int context in Contexts)
            {
                foreach (int conversations in Conversations)
                {
                    var cell = Measure(machine, heads, pages, conversations, context);
                    double? overRival = cell.Rival / cell.Packed.Median;
                    double ofCopySpeed = cell.PackedBytes / cell.Packed.Median / copySpeed;
                    machine.Report.Row(
                        heads.Name,
                        conversations.ToString(CultureInfo.InvariantCulture),
                        context.ToString(CultureInfo.InvariantCulture),
                        Digits(cell.PackedBytes / 1048576.0, "F0"),
                        cell.Packed.Text,
                        Digits(cell.PackedBytes / cell.Packed.Median / 1e6, "F0"),
                        Digits(ofCopySpeed, "F2"),
                        cell.Grouped?.Text ?? "no room",
                        cell.Shared?.Text ?? "–",
                        overRival is double ratio ? Digits(ratio, "F2") : "–");
                    if (context == BarContext && conversations >= BarConversations)
                    {
                        bars.Add((overRival ?? double.PositiveInfinity, ofCopySpeed));
                    }
                }
            }
        }

        machine.Report.Line();
        machine.Report.Bar($"attention at {BarContext} tokens, {BarConversations} conversations and more, the worst SDPA / packed", bars.Min(bar => bar.OverRival), WantedOverRival);
        machine.Report.Bar("the same, the worst share of the copy's speed", bars.Min(bar => bar.OfCopySpeed), WantedOfCopySpeed);
    }

    private static Cell Measure(CheckMachine machine, AttentionHeads heads, SealedPages pages, int conversations, int context)
    {
        using var scope = NewDisposeScope();
        DeviceTime packed;
        long bytes;
        using (var batch = new PackedBatch(machine, pages, conversations, context, ColdBytes))
        {
            bytes = batch.BytesRead;
            packed = new PackedAttentionRun(machine, pages.Layout, batch, conversations).Measure();
        }

        try
        {
            using var dense = new DenseBatch(machine.Device, heads, conversations, context, ColdBytes);
            return new Cell(bytes, packed, DeviceTime.Of(machine, dense.AttendGrouped), Shared(machine, dense));
        }
        catch (ExternalException fault) when (DeviceRoom.IsMissing(fault))
        {
            return new Cell(bytes, packed, null, null);
        }
    }

    private static DeviceTime? Shared(CheckMachine machine, DenseBatch dense)
    {
        try
        {
            return DeviceTime.Of(machine, dense.AttendShared);
        }
        catch (NotSupportedException)
        {
            // This way of asking is a courtesy to the rival; the other is there.
            return null;
        }
    }

    private static string Digits(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private sealed record Cell(long PackedBytes, DeviceTime Packed, DeviceTime? Grouped, DeviceTime? Shared)
    {
        /// <summary>The rival's better time, in milliseconds; null where its cache has no room.</summary>
        public double? Rival => Grouped is null ? null : Math.Min(Grouped.Median, Shared?.Median ?? double.PositiveInfinity);
    }
}
