using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using MixKVQ.AgentConnector.SemanticKernel.Mapping;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>The functions that one request offers the model. Immutable.</summary>
internal sealed class AdvertisedFunctions
{
    private readonly Dictionary<string, KernelFunction> _functionsByName = new(StringComparer.Ordinal);

    /// <summary>Offers <paramref name="functions"/> in their order.</summary>
    /// <exception cref="ArgumentException">Two functions have the same qualified name.</exception>
    public AdvertisedFunctions(IReadOnlyList<KernelFunction> functions)
    {
        foreach (KernelFunction function in functions)
        {
            if (!_functionsByName.TryAdd(FunctionNames.Of(function), function))
            {
                throw new ArgumentException($"Two functions offered to the model are named '{FunctionNames.Of(function)}'; rename a plugin or a function.", nameof(functions));
            }
        }

        Tools = [.. functions.Select(Declare)];
    }

    /// <summary>No functions.</summary>
    public static AdvertisedFunctions None { get; } = new([]);

    /// <summary>The functions as declarations under their qualified names.</summary>
    public IReadOnlyList<AITool> Tools { get; }

    /// <summary>The function that the model knows as <paramref name="name"/>.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out KernelFunction? function) => _functionsByName.TryGetValue(name, out function);

    private static AIFunctionDeclaration Declare(KernelFunction function) =>
        AIFunctionFactory.CreateDeclaration(FunctionNames.Of(function), function.Description, SchemaOf(function));

    /// <summary>
    /// The function's parameters. Semantic Kernel 1.82 adds the description a second time, under the name "condition",
    /// which is no word of JSON Schema; the model does not see it.
    /// </summary>
    private static JsonElement SchemaOf(KernelFunction function)
    {
        if (JsonObject.Create(function.JsonSchema) is not { } schema)
        {
            return function.JsonSchema;
        }

        schema.Remove("condition");
        return JsonSerializer.SerializeToElement(schema);
    }
}
