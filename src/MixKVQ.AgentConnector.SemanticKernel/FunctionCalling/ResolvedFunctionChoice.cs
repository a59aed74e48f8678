using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel.Mapping;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>What a function choice behavior says for one request.</summary>
/// <param name="Functions">The functions offered.</param>
/// <param name="AutoInvoke">Whether calls are invoked here, not by the caller.</param>
/// <param name="Concurrent">Whether the calls of one response run side by side.</param>
/// <param name="ToolMode">Whether the model may, must or must not call; null where nothing is offered.</param>
/// <param name="AllowParallelCalls">Whether one response may hold several calls; null leaves it to the model.</param>
internal sealed record ResolvedFunctionChoice(AdvertisedFunctions Functions, bool AutoInvoke, bool Concurrent, ChatToolMode? ToolMode, bool? AllowParallelCalls)
{
    private static readonly ResolvedFunctionChoice Nothing = new(AdvertisedFunctions.None, AutoInvoke: false, Concurrent: false, ToolMode: null, AllowParallelCalls: null);

    /// <summary>
    /// Asks <paramref name="behavior"/> what holds for the request with the given place in the tool loop. Strict schema
    /// adherence, where it is asked for, needs no doing: the arguments of every call are constrained by the schema.
    /// </summary>
    /// <exception cref="KernelException">Functions are to be invoked without a kernel, or are not in it.</exception>
    public static ResolvedFunctionChoice Resolve(FunctionChoiceBehavior? behavior, ChatHistory history, Kernel? kernel, int requestIndex)
    {
        if (behavior is null)
        {
            return Nothing;
        }

        FunctionChoiceBehaviorConfiguration configuration = behavior.GetConfiguration(new(history) { Kernel = kernel, RequestSequenceIndex = requestIndex });
        return configuration.Functions is not { Count: > 0 } functions
            ? Nothing
            : new(
                new AdvertisedFunctions(functions),
                configuration.AutoInvoke && kernel is not null,
                configuration.Options.AllowConcurrentInvocation,
                ModeOf(configuration.Choice, functions),
                configuration.Options.AllowParallelCalls);
    }

    /// <summary>
    /// A required choice forces a call. It cannot force for ever: Semantic Kernel offers its functions in the first
    /// request only.
    /// </summary>
    private static ChatToolMode ModeOf(FunctionChoice choice, IReadOnlyList<KernelFunction> functions) =>
        choice == FunctionChoice.None ? ChatToolMode.None
        : choice != FunctionChoice.Required ? ChatToolMode.Auto
        : functions.Count == 1 ? ChatToolMode.RequireSpecific(FunctionNames.Of(functions[0]))
        : ChatToolMode.RequireAny;
}
