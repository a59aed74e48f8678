using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>What a value holds when a loop or a filter goes over it.</summary>
internal static class Iteration
{
    /// <summary>A list's items, a mapping's keys, a string's characters, nothing for undefined.</summary>
    public static IReadOnlyList<TemplateValue> Items(TemplateRun run, TemplateValue value) => value switch
    {
        ListValue list => list.Items,
        MapValue map => Keys(run, map).Items,
        StringValue text => Characters(run, text.Text),
        UndefinedValue => [],
        _ => throw run.Error($"{value.Kind} cannot be iterated"),
    };

    public static ListValue Keys(TemplateRun run, MapValue map)
    {
        run.ReserveItems(map.Entries.Count);
        return new ListValue([.. map.Entries.Keys.Select(key => new StringValue(key))]);
    }

    public static ListValue Values(TemplateRun run, MapValue map)
    {
        run.ReserveItems(map.Entries.Count);
        return new ListValue([.. map.Entries.Values]);
    }

    /// <summary>The entries as pairs of key and value.</summary>
    public static ListValue Pairs(TemplateRun run, MapValue map)
    {
        run.ReserveEntries(map.Entries.Count);
        return new ListValue([.. map.Entries.Select(entry => new ListValue([new StringValue(entry.Key), entry.Value]))]);
    }

    private static List<TemplateValue> Characters(TemplateRun run, string text)
    {
        // An item each, and the text of each.
        run.ReserveItems(2L * text.Length);
        return [.. TextRules.CodePoints(text).Select(character => new StringValue(character))];
    }
}
