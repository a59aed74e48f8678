namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Code points from <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct CodePointRange(int First, int Last);
