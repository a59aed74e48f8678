using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Jinja's tests: <c>value is name(arguments)</c>.</summary>
internal static class TemplateTests
{
    private static readonly Dictionary<string, Func<TemplateRun, TemplateValue, CallArguments, bool>> Tests = new(StringComparer.Ordinal)
    {
        ["defined"] = (_, value, _) => value is not UndefinedValue,
        ["undefined"] = (_, value, _) => value is UndefinedValue,
        ["none"] = (_, value, _) => value is NoneValue,
        ["boolean"] = (_, value, _) => value is BooleanValue,
        ["true"] = (_, value, _) => value == BooleanValue.True,
        ["false"] = (_, value, _) => value == BooleanValue.False,
        ["string"] = (_, value, _) => value is StringValue,
        ["number"] = (_, value, _) => value is NumberValue,
        ["integer"] = (_, value, _) => value is NumberValue { IsInteger: true },
        ["float"] = (_, value, _) => value is NumberValue { IsInteger: false },
        ["mapping"] = (_, value, _) => value is MapValue,
        ["iterable"] = (_, value, _) => value is ListValue or StringValue or MapValue,
        ["sequence"] = (_, value, _) => value is ListValue or StringValue or MapValue,
        ["callable"] = (_, value, _) => value is FunctionValue,
        ["lower"] = (run, value, _) => value is StringValue text && IsUnchanged(run, text, text.Text.ToLowerInvariant()),
        ["upper"] = (run, value, _) => value is StringValue text && IsUnchanged(run, text, text.Text.ToUpperInvariant()),
        ["odd"] = (run, value, _) => Remainder(run, value, 2) != 0,
        ["even"] = (run, value, _) => Remainder(run, value, 2) == 0,
        ["divisibleby"] = (run, value, arguments) => Remainder(run, value, arguments.Integer(0, "num", 0)) == 0,
        ["eq"] = (run, value, arguments) => ValueComparison.AreEqual(run, value, Other(arguments)),
        ["equalto"] = (run, value, arguments) => ValueComparison.AreEqual(run, value, Other(arguments)),
        ["ne"] = (run, value, arguments) => !ValueComparison.AreEqual(run, value, Other(arguments)),
        ["sameas"] = (run, value, arguments) => value.Kind == Other(arguments).Kind && ValueComparison.AreEqual(run, value, Other(arguments)),
        ["lt"] = (run, value, arguments) => ValueComparison.Compare(run, value, Other(arguments)) < 0,
        ["le"] = (run, value, arguments) => ValueComparison.Compare(run, value, Other(arguments)) <= 0,
        ["gt"] = (run, value, arguments) => ValueComparison.Compare(run, value, Other(arguments)) > 0,
        ["ge"] = (run, value, arguments) => ValueComparison.Compare(run, value, Other(arguments)) >= 0,
        ["in"] = (run, value, arguments) => BinaryOperators.Contains(run, Other(arguments), value),
    };

    /// <summary>Whether a value passes a test.</summary>
    /// <exception cref="TemplateException">There is no such test, or it does not apply to the value.</exception>
    public static bool Holds(TemplateRun run, string name, TemplateValue value, CallArguments arguments)
        => Tests.TryGetValue(name, out Func<TemplateRun, TemplateValue, CallArguments, bool>? test)
            ? test(run, value, arguments)
            : throw run.Error($"unknown test '{name}'");

    private static TemplateValue Other(CallArguments arguments) => arguments.Require(0, "other");

    private static bool IsUnchanged(TemplateRun run, StringValue text, string changed)
    {
        run.ReserveChars(changed.Length);
        return text.Text == changed;
    }

    private static double Remainder(TemplateRun run, TemplateValue value, int divisor)
        => value is NumberValue { IsInteger: true } number && divisor != 0
            ? number.Value % divisor
            : throw run.Error($"{value.Kind} cannot be divided by {divisor}");
}
