using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.DecodeStep;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Cache;

/// <summary>Prints what sealing a page takes against the 128 decode steps that it ends: <c>sealing</c>.</summary>
internal static class SealingBenchmark
{
    private const int Threads = 2;
    private const int Rounds = 7;

    // With those that are not counted, no more than fit before the next page border.
    private const int StepRounds = 5;

    /// <summary>Measures the embedded model and Qwen3-0.6B's shape.</summary>
    public static void Run()
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(Threads);
        using var noGrad = no_grad();
        Console.WriteLine($"Milliseconds, median (first–last tenth), {Threads} threads, about 1,000 tokens of context.{Environment.NewLine}");
        List<IReadOnlyList<string>> rows = [];
        rows.AddRange(Rows("embedded model", PlannerModel.Folder));
        using (ModelFolder folder = RandomModel.Write(layers: 28))
        {
            rows.AddRange(Rows("Qwen3-0.6B's shape", folder.Path));
        }

        PrintedTable.Print(["model", "weights", "a page", "a step", "share of 128 steps"], rows);
    }

    private static List<IReadOnlyList<string>> Rows(string name, string folder)
    {
        using var models = new OwnModels(folder);
        return [.. models.All.Select(model => (string[])[name, model.Name, .. Measure(model.Model)])];
    }

    private static IEnumerable<string> Measure(DecoderModel model)
    {
        CacheGeometry geometry = model.CacheGeometry;
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions(), model.Team);
        using var tokens = new OutlierTokens(geometry);
        using KvCache prompt = factory.Create();
        tokens.Fill(prompt, CacheGeometry.PageBorder(1_100), geometry.LayerCount);
        using var batch = new ConversationBatch(model, prompt, 1);
        Timing step = PairedRun.Measure([new("step", batch.Decode)], StepRounds, runs: 5)[0];
        KvCache full = prompt.Fork();
        Timing page = PairedRun.Measure([new("page", _ => full.CompleteStep(), Prepare)], Rounds, runs: 1)[0];
        full.Dispose();
        return [page.Text, step.Text, $"{Cell.Number(100 * page.Median / (CacheGeometry.PageTokens * step.Median), "F2")} %"];

        void Prepare()
        {
            full.Dispose();
            full = prompt.Fork();
            tokens.Append(full, CacheGeometry.PageTokens, geometry.LayerCount);
        }
    }
}
