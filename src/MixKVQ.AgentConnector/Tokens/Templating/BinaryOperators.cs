using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>The operators of two evaluated operands, and signs.</summary>
internal static class BinaryOperators
{
    /// <summary>Applies an operator. As in the npm package, <c>+</c> joins a string with any printable value.</summary>
    public static TemplateValue Apply(TemplateRun run, string symbol, TemplateValue left, TemplateValue right)
    {
        switch (symbol)
        {
            case "==":
                return BooleanValue.Of(ValueComparison.AreEqual(run, left, right));
            case "!=":
                return BooleanValue.Of(!ValueComparison.AreEqual(run, left, right));
            case "in":
                return BooleanValue.Of(Contains(run, right, left));
            case "not in":
                return BooleanValue.Of(!Contains(run, right, left));
        }

        if (left is UndefinedValue or NoneValue || right is UndefinedValue or NoneValue)
        {
            throw run.Error($"'{symbol}' cannot be applied to {left.Kind} and {right.Kind}");
        }

        return symbol switch
        {
            "<" => BooleanValue.Of(ValueComparison.Compare(run, left, right) < 0),
            ">" => BooleanValue.Of(ValueComparison.Compare(run, left, right) > 0),
            "<=" => BooleanValue.Of(ValueComparison.Compare(run, left, right) <= 0),
            ">=" => BooleanValue.Of(ValueComparison.Compare(run, left, right) >= 0),
            "~" => Join(run, left, right),
            "+" when left is StringValue || right is StringValue => Join(run, left, right),
            "+" when left is ListValue first && right is ListValue second => Join(run, first, second),
            "*" when left is StringValue text && right is NumberValue { IsInteger: true } count => Repeat(run, text.Text, count.Value),
            _ => Calculate(run, symbol, left, right),
        };
    }

    /// <summary><c>-operand</c> or <c>+operand</c>.</summary>
    public static TemplateValue Sign(TemplateRun run, bool isNegative, TemplateValue operand)
    {
        double value = ValueComparison.Number(operand) ?? throw run.Error($"{operand.Kind} has no sign");
        double signed = isNegative ? -value : value;
        return operand is NumberValue { IsInteger: false } ? NumberValue.Float(signed) : NumberValue.Integer(signed);
    }

    /// <summary><c>item in container</c>; nothing is in undefined.</summary>
    public static bool Contains(TemplateRun run, TemplateValue container, TemplateValue item)
    {
        switch (container, item)
        {
            case (UndefinedValue, _):
                return false;
            case (ListValue list, _):
                return list.Items.Any(member => ValueComparison.AreEqual(run, member, item));
            case (StringValue text, StringValue part):
                return new TextSearch(run, part.Text).IndexIn(text.Text) >= 0;
            case (MapValue map, StringValue key):
                run.StepOver(key.Text);
                return map.Entries.ContainsKey(key.Text);
            default:
                throw run.Error($"{item.Kind} cannot be looked for in {container.Kind}");
        }
    }

    private static StringValue Join(TemplateRun run, TemplateValue left, TemplateValue right)
    {
        string first = ValueText.ForOutput(run, left);
        string second = ValueText.ForOutput(run, right);
        run.ReserveChars((long)first.Length + second.Length);
        return new StringValue(first + second);
    }

    private static ListValue Join(TemplateRun run, ListValue left, ListValue right)
    {
        run.ReserveItems((long)left.Items.Count + right.Items.Count);
        return new ListValue([.. left.Items, .. right.Items]);
    }

    private static StringValue Repeat(TemplateRun run, string text, double count)
    {
        if (count <= 0 || text.Length == 0)
        {
            return StringValue.Empty;
        }

        // A product beyond any limit must not overflow.
        run.ReserveChars((long)Math.Min(text.Length * count, TemplateLimits.MaxValueBytes));
        return new StringValue(string.Concat(Enumerable.Repeat(text, (int)count)));
    }

    private static NumberValue Calculate(TemplateRun run, string symbol, TemplateValue left, TemplateValue right)
    {
        if (ValueComparison.Number(left) is not double a || ValueComparison.Number(right) is not double b)
        {
            throw run.Error($"'{symbol}' cannot be applied to {left.Kind} and {right.Kind}");
        }

        if (b == 0 && symbol is "/" or "//" or "%")
        {
            throw run.Error("division by zero");
        }

        double result = symbol switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "//" => Math.Floor(a / b),
            "%" => a - (Math.Floor(a / b) * b),
            _ => Math.Pow(a, b),
        };
        if (!double.IsFinite(result))
        {
            throw run.Error($"'{symbol}' gives no finite number");
        }

        bool isFloat = left is NumberValue { IsInteger: false } || right is NumberValue { IsInteger: false } || symbol == "/" || (symbol == "**" && b < 0);
        return isFloat ? NumberValue.Float(result) : NumberValue.Integer(result);
    }
}
