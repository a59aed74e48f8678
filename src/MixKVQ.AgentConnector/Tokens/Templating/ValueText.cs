using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Values as text.</summary>
internal static class ValueText
{
    /// <summary>What <c>{{ value }}</c> prints: nothing for none and undefined, JSON for lists and mappings.</summary>
    public static string ForOutput(TemplateRun run, TemplateValue value) => value switch
    {
        StringValue text => text.Text,
        NumberValue number => number.ToString(),
        BooleanValue boolean => boolean.Value ? "true" : "false",
        NoneValue or UndefinedValue => "",
        ListValue or MapValue or NamespaceValue => JsonText.Write(run, value, JsonTextOptions.Default),
        _ => throw run.Error($"a {value.Kind} cannot be printed"),
    };
}
