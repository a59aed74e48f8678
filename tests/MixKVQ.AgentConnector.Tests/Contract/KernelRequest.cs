using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.SemanticKernel;
using MixKVQ.AgentConnector.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>A contract's request in Semantic Kernel's words.</summary>
internal static class KernelRequest
{
    /// <summary>
    /// A kernel with the registered chat completion, whose client is <paramref name="client"/> in the place of one with
    /// a model folder, and with the request's functions as plugin <c>Store</c>.
    /// </summary>
    public static Kernel ToKernel(this ContractRequest request, MixKvqChatClient client)
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.AddMixKvqChatCompletion(_ => { });
        builder.Services.AddKeyedSingleton(Options.DefaultName, client);
        builder.Plugins.AddFromFunctions("Store", (request.Functions ?? []).Select(function => function.AsKernelFunction()));
        return builder.Build();
    }

    /// <summary>The request's settings.</summary>
    public static MixKvqPromptExecutionSettings ToSettings(this ContractRequest request) => new()
    {
        FunctionChoiceBehavior = request.Functions is null ? null : request.RequiresCall ? FunctionChoiceBehavior.Required() : FunctionChoiceBehavior.Auto(),
        ResponseFormat = request.Schema,
        ReasoningEffort = request.Effort,
        StopSequences = request.StopSequence is null ? null : [request.StopSequence],
        MaxTokens = request.MaxOutputTokens,
        ConversationId = request.ConversationId,
    };

    /// <summary>A message as a contract's reply.</summary>
    public static ContractReply ToReply(this ChatMessageContent message) => new(
        message.Content ?? "",
        string.Concat(message.Items.OfType<ReasoningContent>().Select(thought => thought.Text)),
        message.Metadata?.GetValueOrDefault("FinishReason") as string,
        message.Metadata?.GetValueOrDefault("Usage") as UsageDetails,
        message.Metadata?.GetValueOrDefault("ConversationId") as string);

    /// <summary>A part of a message as a part of a contract's reply.</summary>
    public static ContractReply ToReply(this StreamingChatMessageContent part) => new(
        part.Content ?? "",
        string.Concat(part.Items.OfType<StreamingReasoningContent>().Select(thought => thought.Text)),
        part.Metadata?.GetValueOrDefault("FinishReason") as string,
        part.Metadata?.GetValueOrDefault("Usage") as UsageDetails,
        part.Metadata?.GetValueOrDefault("ConversationId") as string);
}
