using System.Globalization;
using System.Text;
using MixKVQ.AgentConnector.Tokens.Templating.Syntax;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Operands: literals, names, members, calls.</content>
internal sealed partial class TemplateParser
{
    /// <summary>An operand with the members, indexes and calls behind it.</summary>
    private Expression ParsePostfix()
    {
        Expression value = ParsePrimary();
        while (true)
        {
            Token token = Current;
            if (TakeOperator("."))
            {
                value = ParseMember(value);
            }
            else if (TakeOperator("["))
            {
                value = ParseIndex(value);
            }
            else if (token.IsOperator("("))
            {
                value = new CallExpression(token.Line, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseMember(Expression target)
    {
        Token token = _tokens[_index++];
        return token.Kind switch
        {
            TokenKind.Name => new MemberExpression(token.Line, target, token.Text),
            TokenKind.Number => new IndexExpression(token.Line, target, new LiteralExpression(token.Line, ParseNumber(token))),
            _ => throw Error(token, $"expected a name or an index behind '.', found {token.Describe()}"),
        };
    }

    private Expression ParseIndex(Expression target)
    {
        int line = Current.Line;
        Expression? start = Current.IsOperator(":") ? null : ParseExpressionSequence();
        if (start is not null && TakeOperator("]"))
        {
            return new IndexExpression(line, target, start);
        }

        ExpectOperator(":");
        Expression? stop = ParseSlicePart();
        Expression? step = TakeOperator(":") ? ParseSlicePart() : null;
        ExpectOperator("]");
        return new SliceExpression(line, target, start, stop, step);
    }

    private Expression? ParseSlicePart() => Current.IsOperator(":") || Current.IsOperator("]") ? null : ParseExpression();

    private Expression ParsePrimary()
    {
        Token token = Current;
        if (token.Kind != TokenKind.End)
        {
            _index++;
        }

        return token switch
        {
            { Kind: TokenKind.Number } => new LiteralExpression(token.Line, ParseNumber(token)),
            { Kind: TokenKind.String } => ParseStrings(token),
            { Kind: TokenKind.Name } => ParseNameOrConstant(token),
            { Kind: TokenKind.Operator, Text: "(" } => ParseParenthesized(token),
            { Kind: TokenKind.Operator, Text: "[" } => ParseList(token),
            { Kind: TokenKind.Operator, Text: "{" } => ParseMap(token),
            _ => throw Error(token, $"expected a value, found {token.Describe()}"),
        };
    }

    private static NumberValue ParseNumber(Token token)
    {
        double value = double.Parse(token.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        return token.Text.Contains('.') ? NumberValue.Float(value) : NumberValue.Integer(value);
    }

    /// <summary>Strings that stand side by side are one.</summary>
    private LiteralExpression ParseStrings(Token token)
    {
        if (Current.Kind != TokenKind.String)
        {
            return new LiteralExpression(token.Line, new StringValue(token.Text));
        }

        var text = new StringBuilder(token.Text);
        while (Current.Kind == TokenKind.String)
        {
            text.Append(_tokens[_index++].Text);
        }

        return new LiteralExpression(token.Line, new StringValue(text.ToString()));
    }

    private static Expression ParseNameOrConstant(Token token) => token.Text switch
    {
        "true" or "True" => new LiteralExpression(token.Line, BooleanValue.True),
        "false" or "False" => new LiteralExpression(token.Line, BooleanValue.False),
        "none" or "None" => new LiteralExpression(token.Line, NoneValue.Instance),
        _ => new NameExpression(token.Line, token.Text),
    };

    private Expression ParseParenthesized(Token token)
    {
        if (TakeOperator(")"))
        {
            return new ListExpression(token.Line, []);
        }

        Expression value = ParseExpressionSequence();
        ExpectOperator(")");
        return value;
    }

    private ListExpression ParseList(Token token)
    {
        var items = new List<Expression>();
        while (!TakeOperator("]"))
        {
            items.Add(ParseExpression());
            if (!Current.IsOperator("]"))
            {
                ExpectOperator(",");
            }
        }

        return new ListExpression(token.Line, items);
    }

    private MapExpression ParseMap(Token token)
    {
        var entries = new List<KeyValuePair<Expression, Expression>>();
        while (!TakeOperator("}"))
        {
            Expression key = ParseExpression();
            ExpectOperator(":");
            entries.Add(new(key, ParseExpression()));
            if (!Current.IsOperator("}"))
            {
                ExpectOperator(",");
            }
        }

        return new MapExpression(token.Line, entries);
    }
}
