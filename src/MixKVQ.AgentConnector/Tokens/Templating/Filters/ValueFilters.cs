using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>Filters of any value.</summary>
internal static class ValueFilters
{
    public static Dictionary<string, TemplateFilter> All { get; } = new()
    {
        ["default"] = (_, operand, arguments) => Default(operand, arguments),
        ["d"] = (_, operand, arguments) => Default(operand, arguments),
        ["safe"] = (_, operand, _) => operand,
        ["string"] = (run, operand, _) => operand as StringValue ?? run.Text(operand is NoneValue ? "None" : ValueText.ForOutput(run, operand)),
        ["tojson"] = ToJson,
        ["length"] = Length,
        ["count"] = Length,
    };

    private static TemplateValue Default(TemplateValue operand, CallArguments arguments)
    {
        bool isReplaced = operand is UndefinedValue || (arguments.Boolean(1, "boolean") && !operand.IsTrue);
        return isReplaced ? arguments.Find(0, "default_value") ?? StringValue.Empty : operand;
    }

    private static NumberValue Length(TemplateRun run, TemplateValue operand, CallArguments arguments) => NumberValue.Integer(operand switch
    {
        StringValue text => text.Text.Length,
        ListValue list => list.Items.Count,
        MapValue map => map.Entries.Count,
        UndefinedValue => 0,
        _ => throw run.Error($"{operand.Kind} has no length"),
    });

    private static StringValue ToJson(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        int indent = arguments.Find(0, "indent") is NoneValue ? 0 : arguments.Integer(0, "indent", 0);
        (string item, string key) = arguments.Find(TemplateFilters.NamedOnly, "separators") switch
        {
            null or NoneValue => (indent > 0 ? "," : ", ", ": "),
            ListValue { Items: [StringValue first, StringValue second] } => (first.Text, second.Text),
            _ => throw run.Error("'separators' must be two strings"),
        };
        bool ensuresAscii = arguments.Boolean(TemplateFilters.NamedOnly, "ensure_ascii");
        bool sortsKeys = arguments.Boolean(TemplateFilters.NamedOnly, "sort_keys");
        return new StringValue(JsonText.Write(run, operand, new JsonTextOptions(indent, item, key, ensuresAscii, sortsKeys)));
    }
}
