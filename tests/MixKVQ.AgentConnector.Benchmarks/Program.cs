using System.Globalization;
using BenchmarkDotNet.Running;
using MixKVQ.AgentConnector.Benchmarks.Attention;
using MixKVQ.AgentConnector.Benchmarks.Cache;
using MixKVQ.AgentConnector.Benchmarks.Constraints;
using MixKVQ.AgentConnector.Benchmarks.Conversations;
using MixKVQ.AgentConnector.Benchmarks.DecodeStep;
using MixKVQ.AgentConnector.Benchmarks.Gemv;
using MixKVQ.AgentConnector.Benchmarks.Generation;
using MixKVQ.AgentConnector.Benchmarks.LlamaCpp;
using MixKVQ.AgentConnector.Benchmarks.Thoughts;
using MixKVQ.AgentConnector.StorageProbe;

switch (args)
{
    case ["attention", ..]:
        AttentionBenchmark.Run(args[1..]);
        break;
    case ["attention-accuracy", .. string[] texts]:
        AttentionAccuracy.Run(texts.Length == 0 ? 6 : int.Parse(texts[0], CultureInfo.InvariantCulture));
        break;
    case ["batch"]:
        BatchBenchmark.Run();
        break;
    case ["decode-step", ..]:
        DecodeStepBenchmark.Run(args[1..]);
        break;
    case ["gemv"]:
        GemvBenchmark.Run();
        break;
    case ["llama", _, _, _, _, ..]:
        LlamaComparison.Run(args[1..]);
        break;
    case ["llama-parity", _, _, _]:
        LlamaParity.Run(args[1..]);
        break;
    case ["prefill", ..]:
        PrefillBenchmark.Run(args[1..]);
        break;
    case ["random-model", string target]:
        RandomModel.Write(target, layers: 28);
        break;
    case ["sealing"]:
        SealingBenchmark.Run();
        break;
    case ["constraints", ..]:
        ConstraintReport.Run(args[1..]);
        break;
    case ["constrained-decoding", string folder]:
        await ConstrainedDecoding.RunAsync(folder);
        break;
    case ["conversations", ..]:
        await ConversationBenchmark.RunAsync(args[1..]);
        break;
    case ["thoughts", ..]:
        await ThoughtReport.RunAsync(args[1..]);
        break;
    case ["fuzz-pages", string count, .. string[] seed]:
        PageFuzzRun.Run(long.Parse(count, CultureInfo.InvariantCulture), seed.Length == 0 ? 1 : int.Parse(seed[0], CultureInfo.InvariantCulture));
        break;
    case ["turns", string count]:
        await TurnRun.RunAsync(int.Parse(count, CultureInfo.InvariantCulture));
        break;
    case ["fuzz-files", string count, .. string[] seed]:
        Console.WriteLine(FileFuzz.Run(int.Parse(count, CultureInfo.InvariantCulture), seed is [string given] ? int.Parse(given, CultureInfo.InvariantCulture) : 0));
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(AttentionBenchmark).Assembly).Run(args);
        break;
}
