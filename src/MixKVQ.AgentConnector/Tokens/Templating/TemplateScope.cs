using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Variables of a template, a loop or a macro's call; what is not set here is looked for in the parent.</summary>
internal sealed class TemplateScope(TemplateScope? parent)
{
    private Dictionary<string, TemplateValue>? _variables;

    public void Set(string name, TemplateValue value)
        => (_variables ??= new Dictionary<string, TemplateValue>(StringComparer.Ordinal))[name] = value;

    /// <summary>The variable's value; undefined where no scope has it. A scope stands below at most as many others as evaluation is deep.</summary>
    public TemplateValue Get(string name)
    {
        for (TemplateScope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._variables is not null && scope._variables.TryGetValue(name, out TemplateValue? value))
            {
                return value;
            }
        }

        return UndefinedValue.Instance;
    }

    private TemplateScope? Parent { get; } = parent;
}
