using BenchmarkDotNet.Running;
using MixKVQ.AgentConnector.Benchmarks.Constraints;
using MixKVQ.AgentConnector.Benchmarks.Thoughts;

switch (args)
{
    case ["constraints", ..]:
        ConstraintReport.Run(args[1..]);
        break;
    case ["constrained-decoding", string folder]:
        await ConstrainedDecoding.RunAsync(folder);
        break;
    case ["thoughts", ..]:
        await ThoughtReport.RunAsync(args[1..]);
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        break;
}
