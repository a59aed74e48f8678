using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>Filters of mappings.</summary>
internal static class MapFilters
{
    public static Dictionary<string, TemplateFilter> All { get; } = new()
    {
        ["items"] = (run, operand, _) => operand is UndefinedValue ? ListValue.Empty : Iteration.Pairs(run, Map(run, operand)),
        ["keys"] = (run, operand, _) => Iteration.Keys(run, Map(run, operand)),
        ["values"] = (run, operand, _) => Iteration.Values(run, Map(run, operand)),
        ["dictsort"] = SortEntries,
    };

    private static MapValue Map(TemplateRun run, TemplateValue operand)
        => operand as MapValue ?? throw run.Error($"a filter of mappings is applied to {operand.Kind}");

    private static ListValue SortEntries(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        bool ignoresCase = !arguments.Boolean(0, "case_sensitive");
        bool descends = arguments.Boolean(2, "reverse");
        int part = arguments.Text(1, "by", "key") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw run.Error("'by' must be 'key' or 'value'"),
        };
        return new ListValue(ValueComparison.Sort(run, Iteration.Pairs(run, Map(run, operand)).Items, (left, right) =>
        {
            int order = ValueComparison.Compare(run, ((ListValue)left).Items[part], ((ListValue)right).Items[part], ignoresCase);
            return descends ? -order : order;
        }));
    }
}
