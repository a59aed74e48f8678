namespace MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

/// <summary>One code point out of a set.</summary>
internal sealed record CharacterNode(CodePointSet Set) : PatternNode;
