namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>operand is [not] name(arguments)</c></summary>
internal sealed record TestExpression(int Line, Expression Operand, string Name, bool IsNegated, IReadOnlyList<Argument> Arguments) : Expression(Line);
