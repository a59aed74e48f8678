namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>Literal text between tags.</summary>
internal sealed record TextStatement(int Line, string Text) : Statement(Line);
