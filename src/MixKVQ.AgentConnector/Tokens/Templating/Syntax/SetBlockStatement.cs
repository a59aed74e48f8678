namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% set target %}body{% endset %}</c></summary>
internal sealed record SetBlockStatement(int Line, Expression Target, IReadOnlyList<Statement> Body) : Statement(Line);
