using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;
using FunctionCallContent = Microsoft.SemanticKernel.FunctionCallContent;
using TextContent = Microsoft.SemanticKernel.TextContent;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>A client's response to a Semantic Kernel message.</summary>
internal static class ChatResponseMapping
{
    /// <summary>The response as one assistant message: thought, text and calls in their order, the rest as metadata.</summary>
    public static ChatMessageContent ToChatMessageContent(ChatResponse response, AdvertisedFunctions functions)
    {
        var message = new ChatMessageContent
        {
            Role = AuthorRole.Assistant,
            ModelId = response.ModelId,
            InnerContent = response,
            Metadata = ResponseMetadata.Of(response),
        };
        foreach (AIContent content in response.Messages.SelectMany(part => part.Contents))
        {
            switch (content)
            {
                case TextReasoningContent thought:
                    message.Items.Add(new ReasoningContent(thought.Text) { ModelId = response.ModelId });
                    break;
                case Microsoft.Extensions.AI.TextContent text:
                    message.Items.Add(new TextContent(text.Text, response.ModelId));
                    break;
                case Microsoft.Extensions.AI.FunctionCallContent call:
                    message.Items.Add(ToFunctionCall(call, functions));
                    break;
            }
        }

        return message;
    }

    private static FunctionCallContent ToFunctionCall(Microsoft.Extensions.AI.FunctionCallContent call, AdvertisedFunctions functions)
    {
        (string? pluginName, string functionName) = functions.TryGet(call.Name, out KernelFunction? function)
            ? (function.PluginName, function.Metadata.Name)
            : FunctionNames.Split(call.Name);
        var arguments = new KernelArguments();
        foreach ((string name, object? value) in call.Arguments ?? new Dictionary<string, object?>())
        {
            arguments[name] = value;
        }

        return new FunctionCallContent(functionName, pluginName, call.CallId, arguments) { Exception = call.Exception, InnerContent = call };
    }
}
