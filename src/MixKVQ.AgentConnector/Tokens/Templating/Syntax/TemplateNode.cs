namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A node of a parsed template, with the source line (from 1) on which it begins.</summary>
internal abstract record TemplateNode(int Line);
