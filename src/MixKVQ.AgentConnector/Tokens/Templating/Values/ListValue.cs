namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>A list or tuple. It never changes.</summary>
internal sealed class ListValue(IReadOnlyList<TemplateValue> items) : TemplateValue
{
    public static readonly ListValue Empty = new([]);

    public IReadOnlyList<TemplateValue> Items { get; } = items;

    public override string Kind => "list";

    public override bool IsTrue => Items.Count > 0;
}
