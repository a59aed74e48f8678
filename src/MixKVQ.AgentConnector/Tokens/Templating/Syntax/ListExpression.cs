namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary>A list or tuple literal.</summary>
internal sealed record ListExpression(int Line, IReadOnlyList<Expression> Items) : Expression(Line);
