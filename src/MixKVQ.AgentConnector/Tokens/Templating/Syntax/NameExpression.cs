namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A variable.</summary>
internal sealed record NameExpression(int Line, string Name) : Expression(Line);
