namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% for names in iterable if filter %}body{% else %}otherwise{% endfor %}</c>; <c>Unpacks</c> where each item is spread over several names.</summary>
internal sealed record ForStatement(int Line, IReadOnlyList<string> Names, bool Unpacks, Expression Iterable, Expression? Filter, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise) : Statement(Line);
