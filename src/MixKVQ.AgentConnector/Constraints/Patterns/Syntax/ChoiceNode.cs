namespace MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

/// <summary><c>one|another</c></summary>
internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Choices) : PatternNode;
