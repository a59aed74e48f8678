using MixKVQ.AgentConnector.Tokens.Templating.Syntax;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Arguments and parameters.</content>
internal sealed partial class TemplateParser
{
    /// <summary>Arguments in parentheses, positional ones first.</summary>
    private List<Argument> ParseArguments()
    {
        ExpectOperator("(");
        var arguments = new List<Argument>();
        bool hasKeyword = false;
        while (!TakeOperator(")"))
        {
            Token token = Current;
            string? name = null;
            if (token.Kind == TokenKind.Name && _tokens[_index + 1].IsOperator("="))
            {
                _index += 2;
                name = token.Text;
                hasKeyword = true;
            }
            else if (hasKeyword)
            {
                throw Error(token, "a positional argument stands behind a keyword argument");
            }

            arguments.Add(new Argument(name, ParseExpression()));
            TakeSeparator();
        }

        return arguments;
    }

    /// <summary>A macro's parameters in parentheses, those with defaults last.</summary>
    private List<MacroParameter> ParseParameters()
    {
        ExpectOperator("(");
        var parameters = new List<MacroParameter>();
        while (!TakeOperator(")"))
        {
            Token name = Expect(TokenKind.Name, "a parameter's name");
            Expression? value = TakeOperator("=") ? ParseExpression() : null;
            if (value is null && parameters is [.., { Default: not null }])
            {
                throw Error(name, $"parameter '{name.Text}' has no default but follows one that has");
            }

            if (parameters.Exists(p => p.Name == name.Text))
            {
                throw Error(name, $"parameter '{name.Text}' stands twice");
            }

            parameters.Add(new MacroParameter(name.Text, value));
            TakeSeparator();
        }

        return parameters;
    }

    private void TakeSeparator()
    {
        if (!Current.IsOperator(")"))
        {
            ExpectOperator(",");
        }
    }
}
