namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A parameter of a macro or of a call block, with its default.</summary>
internal sealed record MacroParameter(string Name, Expression? Default);
