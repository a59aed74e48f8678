namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>One condition of an <see cref="IfStatement"/> and the block that runs where it holds.</summary>
internal sealed record IfBranch(Expression Condition, IReadOnlyList<Statement> Body);
