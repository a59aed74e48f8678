namespace MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

/// <summary>Parts one after another; no parts match the empty text.</summary>
internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode;
