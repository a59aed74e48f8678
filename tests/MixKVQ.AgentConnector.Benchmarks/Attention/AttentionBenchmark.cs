using System.Globalization;
using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>
/// Prints what attention of one new token takes over packed pages, over full precision in libtorch, and what it takes to read the packed bytes:
/// <c>attention [THREADS [TOKENS…]]</c>. All memory is cold.
/// </summary>
internal static class AttentionBenchmark
{
    private const int Rounds = 9;
    private const int RunsARound = 5;

    /// <summary>Measures every shape with every length.</summary>
    public static void Run(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        int[] numbers = [.. args.Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        int threads = numbers is [int given, ..] ? given : 2;
        TorchThreads.Apply(threads);
        using var noGrad = no_grad();
        using var team = new WorkerTeam(threads);
        int[] lengths = numbers.Length > 1 ? numbers[1..] : [4096, 16_384, 32_768, 131_072];
        Console.WriteLine($"Milliseconds, median (first–last tenth), {threads} threads.{Environment.NewLine}");
        PrintedTable.Print(
            ["heads", "tokens", "packed, MiB", "read", "packed pages", "exact", "SDPA bf16", "SDPA fp32", "products bf16", "SDPA bf16 / packed", "products / packed", "packed / read", "GB/s read", "error of integers"],
            from shape in AttentionShape.All from length in lengths select Row(shape, length, team));
    }

    private static string[] Row(AttentionShape shape, int tokens, WorkerTeam team)
    {
        using var source = new OutlierTokens(shape.Geometry);
        using var packed = new PackedHistory(shape.Geometry, tokens, source);
        using var integers = new OwnAttention(packed, new PackedAttention(team));
        using var exact = new OwnAttention(packed, new PackedAttention(team, exact: true));
        using var half = new TorchAttention(shape.Geometry, tokens, ScalarType.BFloat16, source);
        using var full = new TorchAttention(shape.Geometry, tokens, ScalarType.Float32, source);
        var read = new MemoryRead(team);
        IReadOnlyList<Timing> timings = PairedRun.Measure(
            [
                new("read", turn => read.Run(packed.Pieces[turn % packed.Pieces.Length])),
                new("packed", integers.Attend),
                new("exact", exact.Attend),
                PairedRun.Fastest(half.Forms),
                PairedRun.Fastest(full.Forms),
                half.Products,
            ],
            Rounds,
            RunsARound);
        Cell.Progress($"{shape.Name}, {tokens} tokens: {string.Join("; ", timings.Select(timing => $"{timing.Name} {timing.Text}"))}");
        double mine = timings[1].Median;
        return
        [
            shape.Name, Cell.Number(tokens), Cell.Number(packed.LayerBytes / 1048576.0, "F1"), .. timings.Select(timing => timing.Text),
            Cell.Number(timings[3].Median / mine, "F1"), Cell.Number(timings[5].Median / mine, "F1"), Cell.Number(mine / timings[0].Median, "F2"), Cell.Number(packed.LayerBytes / timings[0].Median / 1e6, "F1"),
            Cell.Number(integers.DistanceTo(exact), "E1"),
        ];
    }
}
