using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>The updates of one streamed response to Semantic Kernel's; counts the calls of the response.</summary>
/// <param name="requestIndex">The response's place in the tool loop, from 0.</param>
internal sealed class StreamingMapping(int requestIndex)
{
    /// <summary>Compact, and without the escapes that only HTML needs.</summary>
    private static readonly JsonSerializerOptions Json = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private int _callCount;

    /// <summary>The update's items in their order: text, thoughts and whole calls; usage and ends as metadata.</summary>
    public StreamingChatMessageContent Map(ChatResponseUpdate update)
    {
        IReadOnlyDictionary<string, object?> metadata = ResponseMetadata.Of(update);
        var message = new StreamingChatMessageContent(AuthorRole.Assistant, content: null, update, modelId: update.ModelId, metadata: metadata);
        foreach (AIContent content in update.Contents)
        {
            switch (content)
            {
                case TextReasoningContent thought:
                    message.Items.Add(new StreamingReasoningContent(thought.Text) { ModelId = update.ModelId, InnerContent = thought });
                    break;
                case Microsoft.Extensions.AI.TextContent text:
                    message.Items.Add(new StreamingTextContent(text.Text, modelId: update.ModelId, innerContent: text));
                    break;
                case Microsoft.Extensions.AI.FunctionCallContent call:
                    message.Items.Add(ToUpdate(call));
                    break;
            }
        }

        return message;
    }

    private StreamingFunctionCallUpdateContent ToUpdate(Microsoft.Extensions.AI.FunctionCallContent call) =>
        new(call.CallId, call.Name, JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Json), _callCount++)
        {
            RequestIndex = requestIndex,
            InnerContent = call,
        };
}
