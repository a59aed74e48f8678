namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% macro name(parameters) %}body{% endmacro %}</c></summary>
internal sealed record MacroStatement(int Line, string Name, IReadOnlyList<MacroParameter> Parameters, IReadOnlyList<Statement> Body) : Statement(Line);
