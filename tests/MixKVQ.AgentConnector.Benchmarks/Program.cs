using BenchmarkDotNet.Running;
using MixKVQ.AgentConnector.Benchmarks.Constraints;

switch (args)
{
    case ["constraints", ..]:
        ConstraintReport.Run(args[1..]);
        break;
    case ["constrained-decoding", string folder]:
        await ConstrainedDecoding.RunAsync(folder);
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        break;
}
