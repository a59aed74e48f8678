namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% filter name(arguments) %}body{% endfilter %}</c></summary>
internal sealed record FilterStatement(int Line, string Name, IReadOnlyList<Argument> Arguments, IReadOnlyList<Statement> Body) : Statement(Line);
