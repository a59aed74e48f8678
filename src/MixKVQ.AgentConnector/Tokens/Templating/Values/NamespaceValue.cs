namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>What <c>namespace()</c> makes: the only value whose attributes a template may set.</summary>
internal sealed class NamespaceValue(OrderedDictionary<string, TemplateValue> entries) : TemplateValue
{
    public OrderedDictionary<string, TemplateValue> Entries { get; } = entries;

    public override string Kind => "namespace";
}
