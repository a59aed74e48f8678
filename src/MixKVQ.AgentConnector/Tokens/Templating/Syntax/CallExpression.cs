namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>callee(arguments)</c></summary>
internal sealed record CallExpression(int Line, Expression Callee, IReadOnlyList<Argument> Arguments) : Expression(Line);
