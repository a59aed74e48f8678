using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.DecodeStep;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>
/// Prints tokens a second of plain decoding here and in llama.cpp, by turns in one process: <c>llama LIBRARIES MODEL-FOLDER GGUF-FILE WEIGHTS [CONTEXT…]</c>, with
/// llama.cpp's weights as a list such as bf16,q8_0. Called by tests/llama.cpp/compare.sh. Both are given the same tokens and compute all logits; a round has as many
/// tokens as a page, so that one page is sealed in it.
/// </summary>
internal static class LlamaComparison
{
    private const int Threads = 2;
    private const int Rounds = 7;
    private const int RoundTokens = 128;
    private const int WarmUpTokens = 16;

    // Threads of the runtime before look out for work for about a tenth of a second.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.3);

    private static readonly Dictionary<string, int?> FileTypes = new() { ["bf16"] = null, ["f16"] = 1, ["q8_0"] = 7 };

    /// <summary>Measures with each length of context.</summary>
    public static void Run(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(Threads);
        using IDisposable inference = TorchSharp.torch.no_grad();
        var library = new LlamaLibrary(args[0]);
        (string folder, string file) = (args[1], args[2]);
        int[] contexts = args.Length > 4 ? [.. args[4..].Select(text => int.Parse(text, CultureInfo.InvariantCulture))] : [100, 8192];
        (string Weights, string File)[] files = [.. args[3].Split(',').Select(weights => (weights, FileOf(library, file, weights)))];
        Console.WriteLine($"Tokens a second, median (slowest–fastest of {Rounds} rounds of {RoundTokens} tokens), {Threads} threads.{Environment.NewLine}");
        PrintedTable.Print(["context, tokens", "runtime", "weights", "cache", "tokens a second"], contexts.SelectMany(context => Rows(library, folder, files, context)));
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(LlamaLibrary library, string folder, (string Weights, string File)[] files, int context)
    {
        ModelConfig config = ModelConfig.Load(folder);
        var entries = new List<(string[] Names, ITokenDecoder Decoder)>();
        using var models = new OwnModels(folder);
        entries.AddRange(models.All.Select(model => ((string[], ITokenDecoder))(["this", model.Name, "MixKVQ, 2.5 bits"], new OwnDecoder(model.Model, new KvCacheOptions()))));
        foreach ((string weights, string file) in files)
        {
            foreach (GgmlType cache in new[] { GgmlType.F16, GgmlType.Q8_0, GgmlType.Q4_0 })
            {
                Add(weights, cache.ToString().ToLowerInvariant(), file, cache, flashAttention: true);
            }
        }

        Add(files[0].Weights, "f16, no flash attention", files[0].File, GgmlType.F16, flashAttention: false);
        double[][] rates = Measure([.. entries.Select(entry => entry.Decoder)], Tokens(context, config.VocabularySize));
        foreach ((string[] names, ITokenDecoder decoder) in entries)
        {
            decoder.Dispose();
        }

        return entries.Zip(rates, (entry, sorted) => (string[])
            [Cell.Number(context), .. entry.Names, $"{Cell.Number(sorted[Rounds / 2])} ({Cell.Number(sorted[0])}–{Cell.Number(sorted[^1])})"]);

        void Add(string weights, string name, string path, GgmlType cache, bool flashAttention) => entries.Add((
            ["llama.cpp", weights, name], new LlamaSession(library, path, config.VocabularySize, context + WarmUpTokens + RoundTokens, cache, flashAttention, Threads)));
    }

    private static double[][] Measure(ITokenDecoder[] decoders, int[] prompt)
    {
        foreach (ITokenDecoder decoder in decoders)
        {
            decoder.Read(prompt);
        }

        double[][] rates = [.. decoders.Select(_ => new double[Rounds])];
        for (int round = -1; round < Rounds; round++)
        {
            for (int k = 0; k < decoders.Length; k++)
            {
                int i = (round + 1 + k) % decoders.Length;
                double rate = Rate(decoders[i], prompt);
                rates[i][Math.Max(0, round)] = rate;
            }
        }

        Array.ForEach(rates, Array.Sort);
        return rates;
    }

    private static double Rate(ITokenDecoder decoder, int[] tokens)
    {
        decoder.Rewind();
        Thread.Sleep(Pause);
        for (int i = 0; i < WarmUpTokens; i++)
        {
            decoder.Decode(tokens[i]);
        }

        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < RoundTokens; i++)
        {
            decoder.Decode(tokens[i % tokens.Length]);
        }

        return RoundTokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static int[] Tokens(int count, int vocabularySize) => [.. Enumerable.Range(0, count).Select(i => (int)(i * 7919L % vocabularySize))];

    private static string FileOf(LlamaLibrary library, string file, string weights)
    {
        if (FileTypes[weights] is not int type)
        {
            return file;
        }

        string target = $"{file}.{weights}";
        library.Quantize(file, target, type);
        return target;
    }
}
