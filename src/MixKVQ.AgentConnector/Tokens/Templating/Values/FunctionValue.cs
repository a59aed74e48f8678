namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>A macro, a method bound to its object, or a global function; it is given its caller's scope.</summary>
internal sealed class FunctionValue(string name, Func<CallArguments, TemplateScope, TemplateValue> invoke) : TemplateValue
{
    public string Name { get; } = name;

    public Func<CallArguments, TemplateScope, TemplateValue> Invoke { get; } = invoke;

    public override string Kind => "function";
}
