namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>A weight that a model needs.</summary>
internal sealed record TensorSpec(string Name, IReadOnlyList<long> Shape);
