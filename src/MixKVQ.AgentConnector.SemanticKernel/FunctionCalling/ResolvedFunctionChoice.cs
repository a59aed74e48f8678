using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>What a function choice behavior says for one request.</summary>
/// <param name="Functions">The functions offered.</param>
/// <param name="AutoInvoke">Whether calls are invoked here, not by the caller.</param>
/// <param name="Concurrent">Whether the calls of one response run side by side.</param>
/// <param name="ToolMode">Whether the model may call; null where nothing is offered.</param>
/// <param name="AllowParallelCalls">Whether one response may hold several calls; null leaves it to the model.</param>
internal sealed record ResolvedFunctionChoice(AdvertisedFunctions Functions, bool AutoInvoke, bool Concurrent, ChatToolMode? ToolMode, bool? AllowParallelCalls)
{
    private static readonly ResolvedFunctionChoice Nothing = new(AdvertisedFunctions.None, AutoInvoke: false, Concurrent: false, ToolMode: null, AllowParallelCalls: null);

    /// <summary>Asks <paramref name="behavior"/> what holds for the request with the given place in the tool loop.</summary>
    /// <exception cref="NotSupportedException">The behavior asks for what needs constrained decoding; it is named.</exception>
    /// <exception cref="KernelException">Functions are to be invoked without a kernel, or are not in it.</exception>
    public static ResolvedFunctionChoice Resolve(FunctionChoiceBehavior? behavior, ChatHistory history, Kernel? kernel, int requestIndex)
    {
        if (behavior is null)
        {
            return Nothing;
        }

        FunctionChoiceBehaviorConfiguration configuration = behavior.GetConfiguration(new(history) { Kernel = kernel, RequestSequenceIndex = requestIndex });
        if (configuration.Choice == FunctionChoice.Required)
        {
            throw new NotSupportedException("FunctionChoiceBehavior.Required is not supported: the model's output is not constrained, so a call cannot be promised. Use FunctionChoiceBehavior.Auto.");
        }

        if (configuration.Options.AllowStrictSchemaAdherence)
        {
            throw new NotSupportedException("FunctionChoiceBehaviorOptions.AllowStrictSchemaAdherence is not supported: the model's output is not constrained. Leave it false.");
        }

        return configuration.Functions is not { Count: > 0 } functions
            ? Nothing
            : new(
                new AdvertisedFunctions(functions),
                configuration.AutoInvoke && kernel is not null,
                configuration.Options.AllowConcurrentInvocation,
                configuration.Choice == FunctionChoice.None ? ChatToolMode.None : ChatToolMode.Auto,
                configuration.Options.AllowParallelCalls);
    }
}
