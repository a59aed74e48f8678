namespace MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

/// <summary>A part repeated; without <paramref name="Maximum"/> there is no upper bound.</summary>
internal sealed record RepeatNode(PatternNode Part, int Minimum, int? Maximum) : PatternNode;
