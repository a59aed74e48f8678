using System.Globalization;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.DecodeStep;

/// <summary>
/// Prints what a whole decode step of a model of Qwen3-0.6B's shape takes here and with libtorch's operations and a full-precision cache:
/// <c>decode-step [THREADS [LAYERS]]</c>.
/// </summary>
internal static class DecodeStepBenchmark
{
    private const int Rounds = 6;
    private const int RunsARound = 3;
    private const int ParityTokens = 48;

    // A page border, so that no page is sealed before 128 tokens more: sealing is measured apart.
    private static readonly int[] Contexts = [CacheGeometry.PageBorder(1_100), CacheGeometry.PageBorder(16_450)];

    /// <summary>Measures.</summary>
    public static void Run(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        int[] numbers = [.. args.Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        int threads = numbers is [int given, ..] ? given : 2;
        TorchThreads.Apply(threads);
        using var noGrad = no_grad();
        using ModelFolder folder = RandomModel.Write(numbers.Length > 1 ? numbers[1] : 28);
        using var models = new OwnModels(folder.Path);
        using var rival = new TorchDecoder(folder.Path, Contexts.Max() + 256);
        foreach ((string name, DecoderModel model) in models.All)
        {
            Console.WriteLine($"{name}: logits of token {ParityTokens} differ from libtorch's by {Distance(model, rival):P2} of their length");
        }

        Console.WriteLine($"Milliseconds a step, median (first–last tenth), {threads} threads.{Environment.NewLine}");
        PrintedTable.Print(
            ["tokens", .. models.All.Select(model => model.Name), "libtorch bf16", .. models.All.Select(model => $"libtorch / {model.Name}")],
            Contexts.Select(context => Row(context, models, rival)));
    }

    private static IReadOnlyList<string> Row(int context, OwnModels models, TorchDecoder rival)
    {
        OwnDecoder[] decoders = [.. models.All.Select(model => new OwnDecoder(model.Model, new KvCacheOptions()))];
        foreach ((OwnDecoder decoder, (_, DecoderModel model)) in decoders.Zip(models.All))
        {
            using var tokens = new OutlierTokens(model.CacheGeometry);
            decoder.Fill(cache => tokens.Fill(cache, context, model.CacheGeometry.LayerCount));
        }

        rival.Position = context;
        IReadOnlyList<Timing> timings = PairedRun.Measure(
            [
                .. decoders.Select(decoder => new Contestant("own", turn => decoder.Decode(Token(turn)))),
                new("libtorch bf16", turn => rival.Decode(Token(turn)).Dispose()),
            ],
            Rounds,
            RunsARound);
        Array.ForEach(decoders, decoder => decoder.Dispose());
        Cell.Progress($"{context} tokens");
        double theirs = timings[^1].Median;
        return [Cell.Number(context), .. timings.Select(timing => timing.Text), .. timings.SkipLast(1).Select(timing => Cell.Number(theirs / timing.Median, "F2"))];
    }

    // Up to there no page is sealed: both caches hold the same.
    private static double Distance(DecoderModel model, TorchDecoder rival)
    {
        using var decoder = new OwnDecoder(model, new KvCacheOptions());
        decoder.Fill(_ => { });
        rival.Position = 0;
        float[] theirs = [];
        float[] mine = [];
        for (int i = 0; i < ParityTokens; i++)
        {
            using Tensor logits = rival.Decode(Token(i)), exact = logits.to(ScalarType.Float32);
            theirs = exact.data<float>().ToArray();
            mine = decoder.Decode(Token(i)).ToArray();
        }

        return Math.Sqrt(mine.Zip(theirs, (x, y) => Math.Pow(x - y, 2)).Sum() / theirs.Sum(y => Math.Pow(y, 2)));
    }

    private static int Token(int turn) => turn * 7919 % 150_000;
}
