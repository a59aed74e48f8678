namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>value if condition else otherwise</c>; undefined where the condition fails and there is no <c>else</c>.</summary>
internal sealed record ConditionalExpression(int Line, Expression Condition, Expression Value, Expression? Otherwise) : Expression(Line);
