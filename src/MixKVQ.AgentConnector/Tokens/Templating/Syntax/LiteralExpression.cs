using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A string, number, boolean or none.</summary>
internal sealed record LiteralExpression(int Line, TemplateValue Value) : Expression(Line);
