using System.Globalization;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>Prints what attention of a chunk of 128 new tokens takes, over packed pages and over full precision in libtorch: <c>prefill [THREADS [TOKENS…]]</c>.</summary>
internal static class PrefillBenchmark
{
    private const int Rounds = 5;
    private const int RunsARound = 2;

    /// <summary>Measures every shape with every length of history.</summary>
    public static void Run(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        int[] numbers = [.. args.Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        int threads = numbers is [int given, ..] ? given : 2;
        TorchThreads.Apply(threads);
        using var noGrad = no_grad();
        using var team = new WorkerTeam(threads);
        int[] lengths = numbers.Length > 1 ? numbers[1..] : [4096, 16_384, 32_768];
        Console.WriteLine($"Milliseconds, median (first–last tenth), {threads} threads. A mask hides later tokens of the chunk; without it libtorch does less than what is asked.{Environment.NewLine}");
        PrintedTable.Print(
            ["heads", "history", "packed pages", "SDPA bf16", "SDPA bf16, no mask", "SDPA fp32", "bf16 / packed", "no mask / packed", "fp32 / packed"],
            from shape in AttentionShape.All from length in lengths select Row(shape, CacheGeometry.PageBorder(length), team));
    }

    private static string[] Row(AttentionShape shape, int history, WorkerTeam team)
    {
        using var source = new OutlierTokens(shape.Geometry);
        using var packed = new PackedHistory(shape.Geometry, history, source, chunkTokens: CacheGeometry.PageTokens);
        using var half = new TorchChunkAttention(shape.Geometry, history + CacheGeometry.PageTokens, ScalarType.BFloat16, source);
        using var full = new TorchChunkAttention(shape.Geometry, history + CacheGeometry.PageTokens, ScalarType.Float32, source);
        var kernel = new PackedAttention(team);
        using Tensor queries = source.Queries(CacheGeometry.PageTokens);
        float scale = (float)(1 / Math.Sqrt(shape.Geometry.HeadDim));
        IReadOnlyList<Timing> timings = PairedRun.Measure(
            [
                new("packed", turn => kernel.Attend(queries, packed.Views[turn % packed.Views.Length], scale).Dispose()),
                PairedRun.Fastest(half.Masked),
                PairedRun.Fastest(half.Unmasked),
                PairedRun.Fastest(full.Masked),
            ],
            Rounds,
            RunsARound);
        Cell.Progress($"{shape.Name}, {history} tokens: {string.Join("; ", timings.Select(timing => $"{timing.Name} {timing.Text}"))}");
        double mine = timings[0].Median;
        return [shape.Name, Cell.Number(history), .. timings.Select(timing => timing.Text), .. timings.Skip(1).Select(timing => Cell.Number(timing.Median / mine, "F2"))];
    }
}
