using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>Filters of lists and of what can be iterated like one.</summary>
internal static class ListFilters
{
    public static Dictionary<string, TemplateFilter> All { get; } = new()
    {
        ["list"] = (run, operand, _) => operand as ListValue ?? new ListValue(Iteration.Items(run, operand)),
        ["first"] = (run, operand, _) => Iteration.Items(run, operand) is [TemplateValue first, ..] ? first : UndefinedValue.Instance,
        ["last"] = (run, operand, _) => Iteration.Items(run, operand) is [.., TemplateValue last] ? last : UndefinedValue.Instance,
        ["join"] = Join,
        ["reverse"] = Reverse,
        ["sort"] = Sort,
        ["unique"] = Unique,
    };

    private static StringValue Join(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        IReadOnlyList<TemplateValue> items = Iteration.Items(run, operand);
        if (arguments.Find(1, "attribute") is not null)
        {
            string path = arguments.RequireText(1, "attribute");
            run.ReserveItems(items.Count);
            items = [.. items.Select(item => Members.GetPath(run, item, path))];
        }

        string separator = arguments.Find(0, "separator") is null ? arguments.Text(0, "d", "") : arguments.RequireText(0, "separator");
        return StringMethods.Join(run, separator, items);
    }

    private static TemplateValue Reverse(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        IReadOnlyList<TemplateValue> items = Iteration.Items(run, operand);
        run.ReserveItems(items.Count);
        var reversed = new ListValue([.. items.Reverse()]);
        return operand is StringValue ? StringMethods.Join(run, "", reversed.Items) : reversed;
    }

    private static ListValue Sort(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        bool descends = arguments.Boolean(0, "reverse");
        bool ignoresCase = !arguments.Boolean(1, "case_sensitive");
        string? path = arguments.Find(2, "attribute") switch
        {
            null or NoneValue => null,
            NumberValue place => place.ToString(),
            _ => arguments.RequireText(2, "attribute"),
        };
        return new ListValue(ValueComparison.Sort(run, Iteration.Items(run, operand), (left, right) =>
        {
            int order = ValueComparison.Compare(run, Key(left), Key(right), ignoresCase);
            return descends ? -order : order;
        }));

        TemplateValue Key(TemplateValue item) => path is null ? item : Members.GetPath(run, item, path);
    }

    private static ListValue Unique(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        var unique = new List<TemplateValue>();
        foreach (TemplateValue item in Iteration.Items(run, operand))
        {
            if (!unique.Exists(other => ValueComparison.AreEqual(run, other, item)))
            {
                run.ReserveItems(1);
                unique.Add(item);
            }
        }

        return new ListValue(unique);
    }
}
