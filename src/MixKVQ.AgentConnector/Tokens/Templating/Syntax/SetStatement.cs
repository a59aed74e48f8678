namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% set target = value %}</c>; the target is a name, a tuple of names or an attribute of a namespace.</summary>
internal sealed record SetStatement(int Line, Expression Target, Expression Value) : Statement(Line);
