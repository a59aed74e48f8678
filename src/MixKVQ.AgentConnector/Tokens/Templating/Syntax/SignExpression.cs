namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>-operand</c> and <c>+operand</c></summary>
internal sealed record SignExpression(int Line, bool IsNegative, Expression Operand) : Expression(Line);
