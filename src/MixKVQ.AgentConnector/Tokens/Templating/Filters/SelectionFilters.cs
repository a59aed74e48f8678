using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>Filters that choose or change each item by a test, an attribute or another filter.</summary>
internal static class SelectionFilters
{
    public static Dictionary<string, TemplateFilter> All { get; } = new()
    {
        ["select"] = (run, operand, arguments) => Select(run, operand, item => Passes(run, item, arguments)),
        ["reject"] = (run, operand, arguments) => Select(run, operand, item => !Passes(run, item, arguments)),
        ["selectattr"] = (run, operand, arguments) => Select(run, operand, item => AttributePasses(run, item, arguments)),
        ["rejectattr"] = (run, operand, arguments) => Select(run, operand, item => !AttributePasses(run, item, arguments)),
        ["map"] = Map,
    };

    private static ListValue Select(TemplateRun run, TemplateValue operand, Func<TemplateValue, bool> isSelected)
    {
        var selected = new List<TemplateValue>();
        foreach (TemplateValue item in Iteration.Items(run, operand))
        {
            if (isSelected(item))
            {
                run.ReserveItems(1);
                selected.Add(item);
            }
        }

        return new ListValue(selected);
    }

    private static bool AttributePasses(TemplateRun run, TemplateValue item, CallArguments arguments)
        => Passes(run, Members.GetPath(run, item, arguments.RequireText(0, "attribute")), arguments.SkipFirst());

    /// <summary>Whether a value passes the test that the first argument names; without arguments, whether it is true.</summary>
    private static bool Passes(TemplateRun run, TemplateValue value, CallArguments arguments)
    {
        run.Step(1 + arguments.Positional.Count);
        return arguments.Positional.Count == 0
            ? value.IsTrue
            : TemplateTests.Holds(run, arguments.RequireText(0, "test"), value, arguments.SkipFirst());
    }

    private static ListValue Map(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        IReadOnlyList<TemplateValue> items = Iteration.Items(run, operand);
        run.ReserveItems(items.Count);
        if (arguments.Keywords.ContainsKey("attribute"))
        {
            string path = arguments.RequireText(TemplateFilters.NamedOnly, "attribute");
            TemplateValue fallback = arguments.Find(TemplateFilters.NamedOnly, "default") ?? UndefinedValue.Instance;
            return new ListValue([.. items.Select(item => Members.GetPath(run, item, path) is { } value and not UndefinedValue ? value : fallback)]);
        }

        string filter = arguments.RequireText(0, "filter");
        CallArguments rest = arguments.SkipFirst();
        return new ListValue([.. items.Select(item => TemplateFilters.Apply(run, filter, item, rest))]);
    }
}
