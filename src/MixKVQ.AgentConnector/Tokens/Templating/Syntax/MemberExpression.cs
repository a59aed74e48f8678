namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>target.name</c></summary>
internal sealed record MemberExpression(int Line, Expression Target, string Name) : Expression(Line);
