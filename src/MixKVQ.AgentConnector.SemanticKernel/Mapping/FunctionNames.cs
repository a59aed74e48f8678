using Microsoft.SemanticKernel;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>The names by which the model knows functions: <c>Plugin-Function</c>, or the function's name alone.</summary>
internal static class FunctionNames
{
    private const char Separator = '-';

    /// <summary>The name of a function of a plugin, or of none.</summary>
    public static string Qualify(string? pluginName, string functionName) =>
        string.IsNullOrEmpty(pluginName) ? functionName : $"{pluginName}{Separator}{functionName}";

    /// <summary>The name of <paramref name="function"/>.</summary>
    public static string Of(KernelFunction function) => Qualify(function.PluginName, function.Metadata.Name);

    /// <summary>The parts of a name of no known function; without a separator it is all function name.</summary>
    public static (string? PluginName, string FunctionName) Split(string name)
    {
        int border = name.IndexOf(Separator, StringComparison.Ordinal);
        return border > 0 && border < name.Length - 1 ? (name[..border], name[(border + 1)..]) : (null, name);
    }
}
