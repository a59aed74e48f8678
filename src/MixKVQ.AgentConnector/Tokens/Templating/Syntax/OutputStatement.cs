namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{{ value }}</c></summary>
internal sealed record OutputStatement(int Line, Expression Value) : Statement(Line);
