namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>target[index]</c></summary>
internal sealed record IndexExpression(int Line, Expression Target, Expression Index) : Expression(Line);
