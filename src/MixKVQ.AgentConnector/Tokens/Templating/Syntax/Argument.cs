namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>An argument of a call, a filter or a test; keyword arguments have a name.</summary>
internal sealed record Argument(string? Name, Expression Value);
