namespace MixKVQ.AgentConnector.Constraints.Patterns.Syntax;

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode;
