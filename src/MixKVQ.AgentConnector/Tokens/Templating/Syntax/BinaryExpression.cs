namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>Arithmetic, comparison, membership and concatenation.</summary>
internal sealed record BinaryExpression(int Line, string Operator, Expression Left, Expression Right) : Expression(Line);
