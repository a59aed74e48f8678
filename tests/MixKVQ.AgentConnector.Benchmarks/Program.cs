using System.Globalization;
using BenchmarkDotNet.Running;
using MixKVQ.AgentConnector.Benchmarks.Constraints;
using MixKVQ.AgentConnector.StorageProbe;

switch (args)
{
    case ["constraints", ..]:
        ConstraintReport.Run(args[1..]);
        break;
    case ["constrained-decoding", string folder]:
        await ConstrainedDecoding.RunAsync(folder);
        break;
    case ["fuzz-files", string count, .. string[] seed]:
        Console.WriteLine(FileFuzz.Run(int.Parse(count, CultureInfo.InvariantCulture), seed is [string given] ? int.Parse(given, CultureInfo.InvariantCulture) : 0));
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        break;
}
