namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>A string. Its length and indexes are in UTF-16 units.</summary>
internal sealed class StringValue(string text) : TemplateValue
{
    public static readonly StringValue Empty = new("");

    public string Text { get; } = text;

    public override string Kind => "string";

    public override bool IsTrue => Text.Length > 0;
}
