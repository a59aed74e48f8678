namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>not operand</c></summary>
internal sealed record NotExpression(int Line, Expression Operand) : Expression(Line);
