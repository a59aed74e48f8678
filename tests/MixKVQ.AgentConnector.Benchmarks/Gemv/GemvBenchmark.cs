using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Gemv;

/// <summary>Prints what products of a matrix and one row take, here and in libtorch, with cold weights: <c>gemv</c>.</summary>
internal static class GemvBenchmark
{
    private const int Threads = 2;
    private const int Rounds = 9;
    private const int RunsARound = 10;

    private static readonly (string Name, int Outputs, int Inputs)[] Shapes =
    [
        ("0.6B, q k v", 4096, 1024), ("0.6B, output", 1024, 2048), ("0.6B, gate and up", 6144, 1024), ("0.6B, down", 1024, 3072),
        ("8B, q k v", 6144, 4096), ("8B, output", 4096, 4096), ("8B, gate and up", 24_576, 4096), ("8B, down", 4096, 12_288),
    ];

    /// <summary>Measures.</summary>
    public static void Run()
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(Threads);
        using var noGrad = no_grad();
        using var team = new WorkerTeam(Threads);
        Console.WriteLine($"Milliseconds, median (first–last tenth), {Threads} threads.{Environment.NewLine}");
        PrintedTable.Print(
            ["product", "outputs × inputs", "read bf16", "bf16", "int8", "libtorch bf16 linear", "libtorch bf16 mv", "libtorch / int8", "libtorch / bf16", "int8 / reading its bytes"],
            Shapes.Select(shape => Row(shape.Name, shape.Outputs, shape.Inputs, team)));
    }

    private static string[] Row(string name, int outputs, int inputs, WorkerTeam team)
    {
        using var weights = new ColdWeights(outputs, inputs);
        using OwnProducts own = new(weights, team);
        var read = new MemoryRead(team);
        using Tensor row = randn(1, inputs).to(ScalarType.BFloat16), vector = row.reshape(inputs);
        IReadOnlyList<Timing> timings = PairedRun.Measure(
            [
                new("read", turn => read.Run(weights.Pieces(turn))),
                new("bf16", own.BFloat16),
                new("int8", own.EightBit),
                new("linear", turn => nn.functional.linear(row, weights[turn]).Dispose()),
                new("mv", turn => mv(weights[turn], vector).Dispose()),
            ],
            Rounds,
            RunsARound);
        Cell.Progress(name);
        double linear = Math.Min(timings[3].Median, timings[4].Median);
        return
        [
            name, $"{outputs} × {inputs}", .. timings.Select(timing => timing.Text),
            Cell.Number(linear / timings[2].Median, "F2"), Cell.Number(linear / timings[1].Median, "F2"), Cell.Number(timings[2].Median / (timings[0].Median / 2), "F2"),
        ];
    }
}
