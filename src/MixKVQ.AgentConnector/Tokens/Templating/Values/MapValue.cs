namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>A dictionary with string keys, in the order in which they were written. It never changes.</summary>
internal sealed class MapValue(OrderedDictionary<string, TemplateValue> entries) : TemplateValue
{
    public OrderedDictionary<string, TemplateValue> Entries { get; } = entries;

    public override string Kind => "mapping";

    public override bool IsTrue => Entries.Count > 0;
}
