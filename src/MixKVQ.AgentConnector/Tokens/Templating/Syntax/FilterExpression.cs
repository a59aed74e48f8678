namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>operand | name(arguments)</c></summary>
internal sealed record FilterExpression(int Line, Expression Operand, string Name, IReadOnlyList<Argument> Arguments) : Expression(Line);
