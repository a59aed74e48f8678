using BenchmarkDotNet.Running;
using MixKVQ.AgentConnector.Benchmarks.Constraints;

if (args is ["constraints", ..])
{
    ConstraintReport.Run(args[1..]);
}
else
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
}
