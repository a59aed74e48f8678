namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% call(parameters) macro(arguments) %}body{% endcall %}</c>: the body is the macro's <c>caller</c>.</summary>
internal sealed record CallStatement(int Line, CallExpression Call, IReadOnlyList<MacroParameter> Parameters, IReadOnlyList<Statement> Body) : Statement(Line);
