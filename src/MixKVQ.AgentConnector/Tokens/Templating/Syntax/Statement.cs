namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A node that is executed and may write output.</summary>
internal abstract record Statement(int Line) : TemplateNode(Line);
