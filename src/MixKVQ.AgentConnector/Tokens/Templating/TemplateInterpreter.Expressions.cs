using MixKVQ.AgentConnector.Tokens.Templating.Filters;
using MixKVQ.AgentConnector.Tokens.Templating.Syntax;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Expressions.</content>
internal sealed partial class TemplateInterpreter
{
    private TemplateValue Evaluate(Expression expression, TemplateScope scope)
    {
        run.Enter();
        TemplateValue value = expression switch
        {
            LiteralExpression literal => literal.Value,
            NameExpression name => scope.Get(name.Name),
            MemberExpression member => Members.Get(run, Evaluate(member.Target, scope), member.Name),
            IndexExpression index => Members.Get(run, Evaluate(index.Target, scope), Evaluate(index.Index, scope)),
            SliceExpression slice => EvaluateSlice(slice, scope),
            CallExpression call => EvaluateCall(call, scope),
            FilterExpression filter => ApplyFilter(filter.Name, Evaluate(filter.Operand, scope), filter.Arguments, scope),
            TestExpression test => EvaluateTest(test, scope),
            BinaryExpression binary => EvaluateBinary(binary, scope),
            LogicalExpression logical => EvaluateLogical(logical, scope),
            NotExpression not => BooleanValue.Of(!Evaluate(not.Operand, scope).IsTrue),
            SignExpression sign => BinaryOperators.Sign(run, sign.IsNegative, Evaluate(sign.Operand, scope)),
            ConditionalExpression conditional => EvaluateConditional(conditional, scope),
            ListExpression list => EvaluateList(list, scope),
            MapExpression map => EvaluateMap(map, scope),
            _ => throw run.Error($"a {expression.GetType().Name} is no value"),
        };
        run.Leave();
        return value;
    }

    private TemplateValue EvaluateSlice(SliceExpression slice, TemplateScope scope)
    {
        TemplateValue target = Evaluate(slice.Target, scope);
        return Slicing.Slice(
            run,
            target,
            slice.Start is null ? null : Evaluate(slice.Start, scope),
            slice.Stop is null ? null : Evaluate(slice.Stop, scope),
            slice.Step is null ? null : Evaluate(slice.Step, scope));
    }

    private TemplateValue EvaluateCall(CallExpression call, TemplateScope scope)
    {
        CallArguments arguments = EvaluateArguments(call.Arguments, scope);
        FunctionValue function = EvaluateFunction(call.Callee, scope);
        run.Line = call.Line;
        return function.Invoke(arguments, scope);
    }

    private FunctionValue EvaluateFunction(Expression callee, TemplateScope scope)
    {
        TemplateValue value = Evaluate(callee, scope);
        string name = callee switch
        {
            NameExpression variable => variable.Name,
            MemberExpression member => member.Name,
            _ => "the expression",
        };
        return value as FunctionValue ?? throw run.Error($"{name} is {value.Kind} and cannot be called");
    }

    private CallArguments EvaluateArguments(IReadOnlyList<Argument> arguments, TemplateScope scope)
    {
        if (arguments.Count == 0)
        {
            return new CallArguments(run);
        }

        var positional = new List<TemplateValue>(arguments.Count);
        var keywords = new Dictionary<string, TemplateValue>(StringComparer.Ordinal);
        foreach (Argument argument in arguments)
        {
            TemplateValue value = Evaluate(argument.Value, scope);
            if (argument.Name is null)
            {
                positional.Add(value);
            }
            else if (!keywords.TryAdd(argument.Name, value))
            {
                throw run.Error($"the argument '{argument.Name}' is given twice");
            }
        }

        return new CallArguments(run, positional, keywords);
    }

    private TemplateValue ApplyFilter(string name, TemplateValue operand, IReadOnlyList<Argument> arguments, TemplateScope scope)
        => TemplateFilters.Apply(run, name, operand, EvaluateArguments(arguments, scope));

    private BooleanValue EvaluateTest(TestExpression test, TemplateScope scope)
    {
        TemplateValue operand = Evaluate(test.Operand, scope);
        bool result = TemplateTests.Holds(run, test.Name, operand, EvaluateArguments(test.Arguments, scope));
        return BooleanValue.Of(result != test.IsNegated);
    }

    private TemplateValue EvaluateBinary(BinaryExpression binary, TemplateScope scope)
    {
        TemplateValue left = Evaluate(binary.Left, scope);
        TemplateValue right = Evaluate(binary.Right, scope);
        run.Line = binary.Line;
        return BinaryOperators.Apply(run, binary.Operator, left, right);
    }

    private TemplateValue EvaluateLogical(LogicalExpression logical, TemplateScope scope)
    {
        TemplateValue left = Evaluate(logical.Left, scope);
        return left.IsTrue == logical.IsAnd ? Evaluate(logical.Right, scope) : left;
    }

    private TemplateValue EvaluateConditional(ConditionalExpression conditional, TemplateScope scope)
    {
        Expression? chosen = Evaluate(conditional.Condition, scope).IsTrue ? conditional.Value : conditional.Otherwise;
        return chosen is null ? UndefinedValue.Instance : Evaluate(chosen, scope);
    }

    private ListValue EvaluateList(ListExpression list, TemplateScope scope)
    {
        run.ReserveItems(list.Items.Count);
        var items = new TemplateValue[list.Items.Count];
        for (int i = 0; i < items.Length; i++)
        {
            items[i] = Evaluate(list.Items[i], scope);
        }

        return new ListValue(items);
    }

    private MapValue EvaluateMap(MapExpression map, TemplateScope scope)
    {
        run.ReserveEntries(map.Entries.Count);
        var entries = new OrderedDictionary<string, TemplateValue>(map.Entries.Count, StringComparer.Ordinal);
        foreach ((Expression keyExpression, Expression value) in map.Entries)
        {
            TemplateValue key = Evaluate(keyExpression, scope);
            string name = key is StringValue or NumberValue
                ? ValueText.ForOutput(run, key)
                : throw run.Error($"a mapping's key must be a string, not {key.Kind}");
            run.StepOver(name);
            entries[name] = Evaluate(value, scope);
        }

        return new MapValue(entries);
    }
}
