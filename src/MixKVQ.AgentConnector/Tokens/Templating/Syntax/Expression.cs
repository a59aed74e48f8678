namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A node that is evaluated to a value.</summary>
internal abstract record Expression(int Line) : TemplateNode(Line);
