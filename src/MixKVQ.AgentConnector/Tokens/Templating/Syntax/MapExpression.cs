namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A dictionary literal.</summary>
internal sealed record MapExpression(int Line, IReadOnlyList<KeyValuePair<Expression, Expression>> Entries) : Expression(Line);
