using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

/// <summary>Responses as the chat client gives them.</summary>
internal static class Replies
{
    /// <summary>A thought and an answer.</summary>
    public static ChatResponse Answer(string text, string thought = "", string? conversationId = null)
    {
        List<AIContent> contents = thought.Length > 0 ? [new TextReasoningContent(thought), new TextContent(text)] : [new TextContent(text)];
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            FinishReason = ChatFinishReason.Stop,
            ConversationId = conversationId,
            Usage = new UsageDetails { InputTokenCount = 7, CachedInputTokenCount = 3, OutputTokenCount = 2 },
        };
    }

    /// <summary>A thought and calls, whose arguments are JSON objects.</summary>
    public static ChatResponse Calls(string thought, string? conversationId, params (string Name, string Arguments)[] calls)
    {
        List<AIContent> contents = [new TextReasoningContent(thought)];
        contents.AddRange(calls.Select((call, index) => new FunctionCallContent(
            $"call-{call.Name}-{index}",
            call.Name,
            JsonSerializer.Deserialize<Dictionary<string, object?>>(call.Arguments))));
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            FinishReason = ChatFinishReason.ToolCalls,
            ConversationId = conversationId,
            Usage = new UsageDetails { InputTokenCount = 5, OutputTokenCount = 4 },
        };
    }

    /// <summary>A thought and calls outside of any conversation.</summary>
    public static ChatResponse Calls(params (string Name, string Arguments)[] calls) => Calls("I need a tool.", null, calls);
}
