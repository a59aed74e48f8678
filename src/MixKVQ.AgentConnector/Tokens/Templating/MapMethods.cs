using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Python's methods of dictionaries.</summary>
internal static class MapMethods
{
    /// <summary>A mapping's method, bound to it; null where there is none of that name.</summary>
    public static FunctionValue? Find(TemplateRun run, MapValue map, string name) => name switch
    {
        "get" => new FunctionValue(name, (arguments, _) => Get(run, map, arguments)),
        "items" => new FunctionValue(name, (_, _) => Iteration.Pairs(run, map)),
        "keys" => new FunctionValue(name, (_, _) => Iteration.Keys(run, map)),
        "values" => new FunctionValue(name, (_, _) => Iteration.Values(run, map)),
        _ => null,
    };

    private static TemplateValue Get(TemplateRun run, MapValue map, CallArguments arguments)
    {
        string key = arguments.RequireText(0, "key");
        run.StepOver(key);
        return map.Entries.GetValueOrDefault(key) ?? arguments.Find(1, "default") ?? NoneValue.Instance;
    }
}
