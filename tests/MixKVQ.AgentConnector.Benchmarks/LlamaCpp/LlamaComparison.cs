using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>
/// Prints tokens a second of plain decoding here and in llama.cpp, by turns in one process: <c>llama LIBRARIES MODEL-FOLDER GGUF-FILE [CONTEXT…]</c>, as
/// tests/llama.cpp/compare.sh calls it. Both are given the same tokens and compute all logits; a round has as many tokens as a page, so that one page is sealed in it.
/// </summary>
internal static class LlamaComparison
{
    private const int Threads = 2;
    private const int Rounds = 7;
    private const int RoundTokens = 128;
    private const int WarmUpTokens = 16;

    private static readonly (string Name, int? FileType)[] Weights = [("bf16", null), ("f16", 1), ("q8_0", 7)];

    /// <summary>Checks that both compute the same, then measures.</summary>
    public static void Run(string[] args)
    {
        TorchLibrary.EnsureLoaded();
        TorchThreads.Apply(Threads);
        var library = new LlamaLibrary(args[0]);
        (string folder, string file) = (args[1], args[2]);
        int[] contexts = args.Length > 3 ? [.. args[3..].Select(text => int.Parse(text, CultureInfo.InvariantCulture))] : [100, 8192];
        LlamaParity.Print(library, folder, file, Threads);
        string[] files = [.. Weights.Select(weights => FileOf(library, file, weights.FileType))];
        Console.WriteLine($"Tokens a second, median (slowest–fastest of {Rounds} rounds of {RoundTokens} tokens), {Threads} threads.{Environment.NewLine}");
        PrintedTable.Print(["context, tokens", "runtime", "weights", "cache", "tokens a second"], contexts.SelectMany(context => Rows(library, folder, files, context)));
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(LlamaLibrary library, string folder, string[] files, int context)
    {
        ModelConfig config = ModelConfig.Load(folder);
        var entries = new List<(string[] Names, ITokenDecoder Decoder)>();
        using DecoderModel bf16 = DecoderModel.Load(folder, CPU, ScalarType.BFloat16, new KvCacheOptions().ExpectsRotatedValues);
        entries.Add((["this", "bf16", "MixKVQ, 2.5 bits"], new OwnDecoder(bf16, new KvCacheOptions())));
        foreach ((string file, (string name, _)) in files.Zip(Weights))
        {
            foreach (GgmlType cache in new[] { GgmlType.F16, GgmlType.Q8_0, GgmlType.Q4_0 })
            {
                entries.Add((["llama.cpp", name, cache.ToString().ToLowerInvariant()], new LlamaSession(library, file, config.VocabularySize, context + 256, cache, flashAttention: true, Threads)));
            }

            entries.Add((["llama.cpp", name, "f16, no flash attention"], new LlamaSession(library, file, config.VocabularySize, context + 256, GgmlType.F16, flashAttention: false, Threads)));
        }

        double[][] rates = Measure([.. entries.Select(entry => entry.Decoder)], Tokens(context, config.VocabularySize));
        foreach ((string[] names, ITokenDecoder decoder) in entries)
        {
            decoder.Dispose();
        }

        return entries.Zip(rates, (entry, sorted) => (string[])
            [Cell.Number(context), .. entry.Names, $"{Cell.Number(sorted[Rounds / 2])} ({Cell.Number(sorted[0])}–{Cell.Number(sorted[^1])})"]);
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

    private static string FileOf(LlamaLibrary library, string file, int? fileType)
    {
        if (fileType is not int type)
        {
            return file;
        }

        string target = $"{file}.{type}";
        library.Quantize(file, target, type);
        return target;
    }
}
