using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>All filters by name.</summary>
internal static class TemplateFilters
{
    /// <summary>The position of an argument that is given by its name only.</summary>
    public const int NamedOnly = int.MaxValue;

    private static readonly Dictionary<string, TemplateFilter> Filters = new(
        [.. ValueFilters.All, .. StringFilters.All, .. NumberFilters.All, .. ListFilters.All, .. SelectionFilters.All, .. MapFilters.All],
        StringComparer.Ordinal);

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateException">There is no such filter, or it does not apply to the operand.</exception>
    public static TemplateValue Apply(TemplateRun run, string name, TemplateValue operand, CallArguments arguments)
    {
        if (!Filters.TryGetValue(name, out TemplateFilter? filter))
        {
            throw run.Error($"unknown filter '{name}'");
        }

        // Filters may apply filters.
        run.Enter();
        TemplateValue value = filter(run, operand, arguments);
        run.Leave();
        return value;
    }
}
