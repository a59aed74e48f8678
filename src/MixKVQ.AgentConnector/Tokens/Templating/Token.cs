namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>A token of a template; a string's text has its escapes resolved.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Line)
{
    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    /// <summary>The token in the words of an error message.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.Text => "text",
        TokenKind.String => "a string",
        TokenKind.OpenStatement or TokenKind.CloseStatement or TokenKind.OpenExpression or TokenKind.CloseExpression => Text,
        _ => $"'{Text}'",
    };
}
