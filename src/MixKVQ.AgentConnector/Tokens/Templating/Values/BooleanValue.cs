namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed class BooleanValue : TemplateValue
{
    public static readonly BooleanValue True = new(true);
    public static readonly BooleanValue False = new(false);

    private BooleanValue(bool value) => Value = value;

    public bool Value { get; }

    public override string Kind => "boolean";

    public override bool IsTrue => Value;

    public static BooleanValue Of(bool value) => value ? True : False;
}
