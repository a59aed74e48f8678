namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>The kinds of <see cref="Token"/>.</summary>
internal enum TokenKind
{
    Text,
    OpenStatement,
    CloseStatement,
    OpenExpression,
    CloseExpression,
    Name,
    Number,
    String,
    Operator,
    End,
}
