namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary><c>none</c>, JSON's null. It prints as nothing.</summary>
internal sealed class NoneValue : TemplateValue
{
    public static readonly NoneValue Instance = new();

    private NoneValue()
    {
    }

    public override string Kind => "none";

    public override bool IsTrue => false;
}
