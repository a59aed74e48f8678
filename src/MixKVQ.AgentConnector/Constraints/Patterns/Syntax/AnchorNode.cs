namespace MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

/// <summary><c>^</c> or <c>$</c>: the text's start or its end.</summary>
internal sealed record AnchorNode(bool AtEnd) : PatternNode;
