namespace MixKVQ.AgentConnector.Constraints;

/// <summary>The parts in order.</summary>
internal sealed record SequenceGrammar(IReadOnlyList<Grammar> Parts) : Grammar;
