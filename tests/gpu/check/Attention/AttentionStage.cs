using System.Globalization;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.GpuCheck.Measuring;

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
        List<AttentionCell> cells = Measure(machine, Heads, Contexts, Conversations, ColdBytes);
        AttentionCell[] counted = [.. cells.Where(cell => cell.Context == BarContext && cell.Conversations >= BarConversations)];
        machine.Report.Line();
        machine.Report.Bar(
            $"attention at {BarContext} tokens, {BarConversations} conversations and more, the worst SDPA / packed", counted.Min(cell => cell.OverRival ?? double.PositiveInfinity), WantedOverRival);
        machine.Report.Bar("the same, the worst share of the copy's speed", counted.Min(cell => cell.BytesAMillisecond) / CopySpeed.BytesAMillisecond(machine), WantedOfCopySpeed);
    }

    /// <summary>Measures and prints every combination.</summary>
    public static List<AttentionCell> Measure(
        CheckMachine machine, IReadOnlyList<AttentionHeads> shapes, IReadOnlyList<int> contexts, IReadOnlyList<int> batches, long coldBytes)
    {
        double copySpeed = CopySpeed.BytesAMillisecond(machine);
        machine.Report.Table(
            "heads", "context", "conversations", "packed, MiB", "packed, ms", "GB/s", "of copy speed", "SDPA bf16 by group, ms", "SDPA bf16 enable_gqa, ms", "flash, ms", "best SDPA / packed");
        List<AttentionCell> cells = [];
        foreach (AttentionHeads heads in shapes)
        {
            var pages = new SealedPages(heads.Geometry(1, machine.Device), new KvCacheOptions());
            foreach (int context in contexts)
            {
                foreach (int conversations in batches)
                {
                    AttentionCell cell = Measure(machine, heads, pages, context, conversations, coldBytes);
                    machine.Report.Row(
                        heads.Name, $"{context}", $"{conversations}", Digits(cell.PackedBytes / 1048576.0, "F0"), cell.Packed.Text, Digits(cell.BytesAMillisecond / 1e6, "F0"),
                        Digits(cell.BytesAMillisecond / copySpeed, "F2"), cell.Grouped?.Text ?? "no room", cell.Shared?.Text ?? "–", cell.Flash?.Text ?? "–", cell.OverRival is double ratio ? Digits(ratio, "F2") : "–");
                    cells.Add(cell);
                }
            }
        }

        return cells;
    }

    private static AttentionCell Measure(CheckMachine machine, AttentionHeads heads, SealedPages pages, int context, int conversations, long coldBytes)
    {
        DeviceTime packed;
        long bytes;
        using (var batch = new PackedBatch(machine, pages, conversations, context, coldBytes))
        {
            bytes = batch.BytesRead;
            packed = new PackedAttentionRun(machine, pages.Layout, batch, conversations).Measure();
        }

        try
        {
            using var dense = new DenseBatch(machine.Device, heads, conversations, context, coldBytes);
            return new AttentionCell(
                context, conversations, bytes, packed,
                DeviceTime.Of(machine, dense.AttendGrouped), DeviceTime.IfOffered(machine, dense.AttendShared), DeviceTime.Of(machine, dense.AttendFlash));
        }
        catch (ExternalException fault) when (DeviceRoom.IsMissing(fault))
        {
            return new AttentionCell(context, conversations, bytes, packed, null, null, null);
        }
    }

    private static string Digits(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
