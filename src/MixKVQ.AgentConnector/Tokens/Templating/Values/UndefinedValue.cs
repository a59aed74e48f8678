namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>What a missing variable or attribute gives.</summary>
internal sealed class UndefinedValue : TemplateValue
{
    public static readonly UndefinedValue Instance = new();

    private UndefinedValue()
    {
    }

    public override string Kind => "undefined";

    public override bool IsTrue => false;
}
