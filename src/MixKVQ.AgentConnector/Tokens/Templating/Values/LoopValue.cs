namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>The <c>loop</c> variable of one iteration.</summary>
internal sealed class LoopValue(IReadOnlyList<TemplateValue> items, int index) : TemplateValue
{
    public override string Kind => "loop";

    public TemplateValue Get(string name) => name switch
    {
        "index" => NumberValue.Integer(index + 1),
        "index0" => NumberValue.Integer(index),
        "revindex" => NumberValue.Integer(items.Count - index),
        "revindex0" => NumberValue.Integer(items.Count - index - 1),
        "first" => BooleanValue.Of(index == 0),
        "last" => BooleanValue.Of(index == items.Count - 1),
        "length" => NumberValue.Integer(items.Count),
        "previtem" when index > 0 => items[index - 1],
        "nextitem" when index < items.Count - 1 => items[index + 1],
        _ => UndefinedValue.Instance,
    };
}
