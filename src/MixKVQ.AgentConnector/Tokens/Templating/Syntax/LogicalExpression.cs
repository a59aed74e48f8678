namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>and</c> and <c>or</c>: evaluates the right operand only where it decides, and gives an operand, not a boolean.</summary>
internal sealed record LogicalExpression(int Line, bool IsAnd, Expression Left, Expression Right) : Expression(Line);
