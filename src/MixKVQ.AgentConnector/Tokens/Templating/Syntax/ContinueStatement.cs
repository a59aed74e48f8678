namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% continue %}</c></summary>
internal sealed record ContinueStatement(int Line) : Statement(Line);
