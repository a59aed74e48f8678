namespace MixKVQ.AgentConnector.Tokens.Templating.Syntax;

/// <summary><c>{% if %}</c> with its <c>elif</c> branches in order and its <c>else</c> block.</summary>
internal sealed record IfStatement(int Line, IReadOnlyList<IfBranch> Branches, IReadOnlyList<Statement> Otherwise) : Statement(Line);
