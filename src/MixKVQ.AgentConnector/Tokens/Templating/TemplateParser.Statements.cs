using MixKVQ.AgentConnector.Tokens.Templating.Syntax;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Statements.</content>
internal sealed partial class TemplateParser
{
    private Statement ParseStatement()
    {
        Token keyword = Expect(TokenKind.Name, "a statement's name");
        return keyword.Text switch
        {
            "set" => ParseSet(keyword),
            "if" => ParseIf(keyword),
            "for" => ParseFor(keyword),
            "macro" => ParseMacro(keyword),
            "call" => ParseCallBlock(keyword),
            "filter" => ParseFilterBlock(keyword),
            "break" or "continue" => ParseLoopControl(keyword),
            _ => throw Error(keyword, $"unknown statement '{keyword.Text}': supported are set, if, for, macro, call, filter, break and continue"),
        };
    }

    private Statement ParseSet(Token keyword)
    {
        Expression target = ParseExpressionSequence();
        bool isValid = target is NameExpression or MemberExpression || (target is ListExpression list && list.Items.All(item => item is NameExpression));
        if (!isValid)
        {
            throw Error(keyword, "only names, tuples of names and attributes of a namespace can be set");
        }

        if (TakeOperator("="))
        {
            Expression value = ParseExpressionSequence();
            Expect(TokenKind.CloseStatement, "%}");
            return new SetStatement(keyword.Line, target, value);
        }

        Expect(TokenKind.CloseStatement, "'=' or %}");
        List<Statement> body = ParseBlock(keyword, "endset");
        ExpectTag("endset");
        return new SetBlockStatement(keyword.Line, target, body);
    }

    private IfStatement ParseIf(Token keyword)
    {
        var branches = new List<IfBranch>();
        List<Statement> otherwise = [];
        do
        {
            Expression condition = ParseExpression();
            Expect(TokenKind.CloseStatement, "%}");
            branches.Add(new IfBranch(condition, ParseBlock(keyword, "elif", "else", "endif")));
            Expect(TokenKind.OpenStatement, "{%");
        }
        while (TakeName("elif"));

        if (TakeName("else"))
        {
            Expect(TokenKind.CloseStatement, "%}");
            otherwise = ParseBlock(keyword, "endif");
            Expect(TokenKind.OpenStatement, "{%");
        }

        ExpectName("endif");
        Expect(TokenKind.CloseStatement, "%}");
        return new IfStatement(keyword.Line, branches, otherwise);
    }

    private ForStatement ParseFor(Token keyword)
    {
        bool isParenthesized = TakeOperator("(");
        var names = new List<string>();
        bool unpacks = isParenthesized;
        do
        {
            names.Add(Expect(TokenKind.Name, "a loop variable").Text);
            unpacks |= Current.IsOperator(",");
        }
        while (TakeOperator(","));

        if (isParenthesized)
        {
            ExpectOperator(")");
        }

        ExpectName("in");
        Expression iterable = ParseExpression();
        Expression? filter = null;
        if (iterable is ConditionalExpression { Otherwise: null } selection)
        {
            (iterable, filter) = (selection.Value, selection.Condition);
        }

        Expect(TokenKind.CloseStatement, "%}");
        _loopDepth++;
        List<Statement> body = ParseBlock(keyword, "else", "endfor");
        _loopDepth--;
        List<Statement> otherwise = [];
        Expect(TokenKind.OpenStatement, "{%");
        if (TakeName("else"))
        {
            Expect(TokenKind.CloseStatement, "%}");
            otherwise = ParseBlock(keyword, "endfor");
            Expect(TokenKind.OpenStatement, "{%");
        }

        ExpectName("endfor");
        Expect(TokenKind.CloseStatement, "%}");
        return new ForStatement(keyword.Line, names, unpacks, iterable, filter, body, otherwise);
    }

    private MacroStatement ParseMacro(Token keyword)
    {
        string name = Expect(TokenKind.Name, "the macro's name").Text;
        List<MacroParameter> parameters = ParseParameters();
        return new MacroStatement(keyword.Line, name, parameters, ParseSeparateBody(keyword, "endmacro"));
    }

    private CallStatement ParseCallBlock(Token keyword)
    {
        List<MacroParameter> parameters = Current.IsOperator("(") ? ParseParameters() : [];
        if (ParsePostfix() is not CallExpression call)
        {
            throw Error(keyword, "expected a macro's call behind 'call'");
        }

        return new CallStatement(keyword.Line, call, parameters, ParseSeparateBody(keyword, "endcall"));
    }

    private FilterStatement ParseFilterBlock(Token keyword)
    {
        string name = Expect(TokenKind.Name, "a filter's name").Text;
        List<Argument> arguments = Current.IsOperator("(") ? ParseArguments() : [];
        return new FilterStatement(keyword.Line, name, arguments, ParseSeparateBody(keyword, "endfilter"));
    }

    /// <summary>A body rendered on its own: no loop around it can be left from within.</summary>
    private List<Statement> ParseSeparateBody(Token keyword, string ending)
    {
        Expect(TokenKind.CloseStatement, "%}");
        int loopDepth = _loopDepth;
        _loopDepth = 0;
        List<Statement> body = ParseBlock(keyword, ending);
        _loopDepth = loopDepth;
        ExpectTag(ending);
        return body;
    }

    private Statement ParseLoopControl(Token keyword)
    {
        if (_loopDepth == 0)
        {
            throw Error(keyword, $"'{keyword.Text}' stands outside a loop");
        }

        Expect(TokenKind.CloseStatement, "%}");
        return keyword.Text == "break" ? new BreakStatement(keyword.Line) : new ContinueStatement(keyword.Line);
    }
}
