using MixKVQ.AgentConnector.Tokens.Templating.Syntax;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Operators, from the loosest to the tightest.</content>
internal sealed partial class TemplateParser
{
    /// <summary>One expression, or a tuple where commas follow.</summary>
    private Expression ParseExpressionSequence()
    {
        Expression first = ParseExpression();
        if (!Current.IsOperator(","))
        {
            return first;
        }

        var items = new List<Expression> { first };
        while (TakeOperator(",") && !Current.IsOperator(")") && !Current.IsOperator("=") && Current.Kind != TokenKind.CloseStatement)
        {
            items.Add(ParseExpression());
        }

        return new ListExpression(first.Line, items);
    }

    private Expression ParseExpression()
    {
        Enter();
        Expression value = ParseOr();
        if (TakeName("if"))
        {
            Expression condition = ParseOr();
            value = new ConditionalExpression(value.Line, condition, value, TakeName("else") ? ParseExpression() : null);
        }

        Leave();
        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        while (TakeName("or"))
        {
            left = new LogicalExpression(left.Line, false, left, ParseAnd());
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        while (TakeName("and"))
        {
            left = new LogicalExpression(left.Line, true, left, ParseNot());
        }

        return left;
    }

    private Expression ParseNot()
    {
        Token token = Current;
        if (!TakeName("not"))
        {
            return ParseComparison();
        }

        Enter();
        Expression operand = ParseNot();
        Leave();
        return new NotExpression(token.Line, operand);
    }

    private Expression ParseComparison()
    {
        Expression left = ParseAdditive();
        while (TryTakeComparison() is string comparison)
        {
            left = new BinaryExpression(left.Line, comparison, left, ParseAdditive());
        }

        return left;
    }

    private string? TryTakeComparison()
    {
        if (Current is { Kind: TokenKind.Operator, Text: "==" or "!=" or "<" or ">" or "<=" or ">=" } || Current.IsName("in"))
        {
            return _tokens[_index++].Text;
        }

        if (Current.IsName("not") && _tokens[_index + 1].IsName("in"))
        {
            _index += 2;
            return "not in";
        }

        return null;
    }

    private Expression ParseAdditive()
    {
        Expression left = ParseMultiplicative();
        while (Current is { Kind: TokenKind.Operator, Text: "+" or "-" or "~" })
        {
            string symbol = _tokens[_index++].Text;
            left = new BinaryExpression(left.Line, symbol, left, ParseMultiplicative());
        }

        return left;
    }

    private Expression ParseMultiplicative()
    {
        Expression left = ParsePower();
        while (Current is { Kind: TokenKind.Operator, Text: "*" or "/" or "//" or "%" })
        {
            string symbol = _tokens[_index++].Text;
            left = new BinaryExpression(left.Line, symbol, left, ParsePower());
        }

        return left;
    }

    // Jinja's ** associates to the left, unlike Python's.
    private Expression ParsePower()
    {
        Expression left = ParseTests();
        while (TakeOperator("**"))
        {
            left = new BinaryExpression(left.Line, "**", left, ParseTests());
        }

        return left;
    }

    private Expression ParseTests()
    {
        Expression operand = ParseFilters();
        while (TakeName("is"))
        {
            bool isNegated = TakeName("not");
            string name = Expect(TokenKind.Name, "a test's name").Text;
            operand = new TestExpression(operand.Line, operand, name, isNegated, ParseTestArguments());
        }

        return operand;
    }

    /// <summary>A test's arguments, in parentheses or a single one without: <c>is divisibleby 3</c>.</summary>
    private List<Argument> ParseTestArguments()
    {
        if (Current.IsOperator("("))
        {
            return ParseArguments();
        }

        bool hasArgument = Current.Kind is TokenKind.String or TokenKind.Number
            || Current is { Kind: TokenKind.Operator, Text: "[" or "{" }
            || (Current.Kind == TokenKind.Name && Current.Text is not ("and" or "or" or "not" or "in" or "is" or "if" or "else"));
        return hasArgument ? [new Argument(null, ParsePostfix())] : [];
    }

    private Expression ParseFilters()
    {
        Expression operand = ParseSign();
        while (TakeOperator("|"))
        {
            string name = Expect(TokenKind.Name, "a filter's name").Text;
            List<Argument> arguments = Current.IsOperator("(") ? ParseArguments() : [];
            operand = new FilterExpression(operand.Line, operand, name, arguments);
        }

        return operand;
    }

    private Expression ParseSign()
    {
        Token token = Current;
        if (!TakeOperator("-") && !TakeOperator("+"))
        {
            return ParsePostfix();
        }

        Enter();
        Expression operand = ParseSign();
        Leave();
        return new SignExpression(token.Line, token.Text == "-", operand);
    }
}
