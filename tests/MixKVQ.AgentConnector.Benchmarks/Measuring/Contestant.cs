namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>One of several ways to do the same work.</summary>
/// <param name="Name">How tables call it.</param>
/// <param name="Run">Does it once; given the number of the run, so that each can take other, cold memory.</param>
/// <param name="Prepare">What has to be done before each run and is not timed.</param>
internal sealed record Contestant(string Name, Action<int> Run, Action? Prepare = null);
