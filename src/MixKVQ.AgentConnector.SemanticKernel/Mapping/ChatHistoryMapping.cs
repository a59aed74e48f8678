using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using FunctionCallContent = Microsoft.SemanticKernel.FunctionCallContent;
using FunctionResultContent = Microsoft.SemanticKernel.FunctionResultContent;
using TextContent = Microsoft.SemanticKernel.TextContent;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>A chat history's messages to those of an <see cref="IChatClient"/>.</summary>
internal static class ChatHistoryMapping
{
    /// <summary>The messages, in order; thoughts, calls and results included.</summary>
    /// <exception cref="NotSupportedException">A message holds content that is none of text, thought, call and result; it is named.</exception>
    public static List<ChatMessage> ToChatMessages(IEnumerable<ChatMessageContent> history) => [.. history.Select(ToChatMessage)];

    private static ChatMessage ToChatMessage(ChatMessageContent message)
    {
        // Beside a result, text repeats it: Semantic Kernel's connectors add both.
        bool holdsResult = message.Items.OfType<FunctionResultContent>().Any();
        var contents = new List<AIContent>(message.Items.Count);
        foreach (KernelContent item in message.Items)
        {
            switch (item)
            {
                case TextContent text when !holdsResult && text.Text is not null:
                    contents.Add(new Microsoft.Extensions.AI.TextContent(text.Text));
                    break;
                case TextContent:
                    break;
                case ReasoningContent thought:
                    contents.Add(new TextReasoningContent(thought.Text));
                    break;
                case FunctionCallContent call:
                    contents.Add(new Microsoft.Extensions.AI.FunctionCallContent(
                        call.Id ?? string.Empty,
                        FunctionNames.Qualify(call.PluginName, call.FunctionName),
                        call.Arguments?.ToDictionary(argument => argument.Key, argument => argument.Value)));
                    break;
                case FunctionResultContent result:
                    contents.Add(new Microsoft.Extensions.AI.FunctionResultContent(result.CallId ?? string.Empty, FunctionResultText.Of(result.Result)));
                    break;
                default:
                    throw new NotSupportedException($"A message of role '{message.Role}' holds {item.GetType().Name}; this model reads text, thoughts, function calls and function results only.");
            }
        }

        return new ChatMessage(new ChatRole(message.Role.Label), contents) { AuthorName = message.AuthorName };
    }
}
