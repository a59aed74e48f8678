using System.Globalization;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;
using TrainPlannerModel.Evaluation;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Attention;

/// <summary>
/// Prints what attention in integers adds to the error of a quantized cache, on the embedded model and its held-out texts: <c>attention-accuracy [TEXTS]</c>.
/// Tokens are decoded one by one with exact attention; each step is taken a second time, on a fork of the same cache, with integers.
/// </summary>
internal static class AttentionAccuracy
{
    private const int Threads = 2;

    // What has 8 bits or more is not attended to in integers.
    private static readonly IEnumerable<PolicyRow> Policies = PolicyRow.All.Where(
        row => row is { Weights: WeightPrecision.Checkpoint, Options.Policy: not (KvCachePolicy.FullPrecision or KvCachePolicy.Uniform8) });

    /// <summary>Measures.</summary>
    /// <param name="textCount">Texts of 2,048 tokens.</param>
    public static void Run(int textCount)
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(Threads);
        using var noGrad = no_grad();
        string folder = PlannerModel.Folder;
        int[][] texts = [.. AccuracyReport.LongTexts(ModelTokenizer.Load(folder)).Take(textCount)];
        (List<Tensor> reference, _) = PolicyAccuracy.Run(folder, PolicyRow.All[0], texts);
        Console.WriteLine($"Mean KL divergence in nats, {texts.Sum(text => text.Length)} positions.{Environment.NewLine}");
        PrintedTable.Print(
            ["policy", "full precision to exact attention", "full precision to integers", "exact attention to integers", "the last of the first", "greedy agreement of exact and integers"],
            Policies.Select(row => Row(row, folder, texts, reference)));
        reference.ForEach(logits => logits.Dispose());
    }

    private static IReadOnlyList<string> Row(PolicyRow row, string folder, int[][] texts, List<Tensor> reference)
    {
        using DecoderModel exact = Load(folder, row.Options, isExact: true);
        using DecoderModel integers = Load(folder, row.Options, isExact: false);
        using var factory = new KvCacheFactory(exact.CacheGeometry, row.Options, exact.Team);
        (Divergence quantized, Divergence both, Divergence added) = (new(), new(), new());
        for (int i = 0; i < texts.Length; i++)
        {
            (Tensor ofExact, Tensor ofIntegers) = Decode(exact, integers, factory, texts[i]);
            using (ofExact)
            using (ofIntegers)
            {
                quantized.Add(reference[i], ofExact);
                both.Add(reference[i], ofIntegers);
                added.Add(ofExact, ofIntegers);
            }
        }

        Cell.Progress(row.Name);
        return
        [
            row.Name, Digits(quantized.Mean), Digits(both.Mean), Digits(added.Mean), (added.Mean / quantized.Mean).ToString("P1", CultureInfo.InvariantCulture),
            Cell.Number(added.GreedyAgreement, "F4"),
        ];
    }

    private static (Tensor Exact, Tensor Integers) Decode(DecoderModel exact, DecoderModel integers, KvCacheFactory factory, int[] tokens)
    {
        int vocabulary = exact.Config.VocabularySize;
        (float[] ofExact, float[] ofIntegers) = (new float[tokens.Length * vocabulary], new float[tokens.Length * vocabulary]);
        using KvCache cache = factory.Create();
        for (int i = 0; i < tokens.Length; i++)
        {
            using (KvCache fork = cache.Fork())
            {
                Step(integers, fork, tokens[i], ofIntegers.AsMemory(i * vocabulary, vocabulary));
            }

            Step(exact, cache, tokens[i], ofExact.AsMemory(i * vocabulary, vocabulary));
        }

        return (tensor(ofExact, [tokens.Length, vocabulary]), tensor(ofIntegers, [tokens.Length, vocabulary]));
    }

    private static void Step(DecoderModel model, KvCache cache, int token, Memory<float> logits)
    {
        Exception?[] failures = new Exception?[1];
        model.Decode([new DecodeInput(token, cache, logits)], failures);
        if (failures[0] is { } failure)
        {
            throw new InvalidOperationException($"Token {token} failed.", failure);
        }
    }

    private static DecoderModel Load(string folder, KvCacheOptions options, bool isExact) =>
        DecoderModel.Load(folder, CPU, null, options.ExpectsRotatedValues, exactAttention: isExact);

    private static string Digits(double nats) => nats.ToString("F6", CultureInfo.InvariantCulture);
}
