using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.DecodeStep;

/// <summary>Prints how many tokens a second several conversations get together that decode at once, Qwen3-0.6B's shape, about 1,000 tokens each: <c>batch</c>.</summary>
internal static class BatchBenchmark
{
    private const int Threads = 2;
    private const int Rounds = 5;
    private const int RunsARound = 2;

    private static readonly int[] Sizes = [1, 2, 4, 8];

    /// <summary>Measures.</summary>
    public static void Run()
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(Threads);
        using var noGrad = no_grad();
        using ModelFolder folder = RandomModel.Write(layers: 28);
        using var models = new OwnModels(folder.Path);
        Console.WriteLine($"Tokens a second of all conversations together; milliseconds a step, median (first–last tenth), {Threads} threads.{Environment.NewLine}");
        PrintedTable.Print(["weights", "conversations", "tokens a second", "ms a step", "against one"], models.All.SelectMany(model => Rows(model.Name, model.Model)));
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(string name, DecoderModel model)
    {
        using var factory = new KvCacheFactory(model.CacheGeometry, new KvCacheOptions(), model.Team);
        using var tokens = new OutlierTokens(model.CacheGeometry);
        using KvCache prompt = factory.Create();
        tokens.Fill(prompt, CacheGeometry.PageBorder(1_100), model.CacheGeometry.LayerCount);
        ConversationBatch[] batches = [.. Sizes.Select(size => new ConversationBatch(model, prompt, size))];
        IReadOnlyList<Timing> timings = PairedRun.Measure([.. batches.Select(batch => new Contestant("batch", batch.Decode))], Rounds, RunsARound);
        Array.ForEach(batches, batch => batch.Dispose());
        double[] rates = [.. timings.Zip(Sizes, (timing, size) => 1000 * size / timing.Median)];
        return timings.Select((timing, i) => (string[])[name, Cell.Number(Sizes[i]), Cell.Number(rates[i], "F1"), timing.Text, Cell.Number(rates[i] / rates[0], "F2")]);
    }
}
