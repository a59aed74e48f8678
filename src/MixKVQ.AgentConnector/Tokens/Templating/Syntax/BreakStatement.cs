namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% break %}</c></summary>
internal sealed record BreakStatement(int Line) : Statement(Line);
