namespace MixKVQ.AgentConnector.Tests.Hosting.LongRuns;

/// <summary>Runs alone, after the tests that run in parallel.</summary>
[CollectionDefinition(nameof(RunsAlone), DisableParallelization = true)]
public sealed class RunsAlone;
