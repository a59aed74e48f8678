using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>An answer or a part of one, in no framework's words.</summary>
internal sealed record ContractReply(string Text = "", string Thought = "", string? FinishReason = null, UsageDetails? Usage = null, string? ConversationId = null)
{
    /// <summary>The reply of a chat client's response, thoughts and text of all its messages joined.</summary>
    public static ContractReply Of(ChatResponse response) => new(
        response.Messages[^1].Text,
        Thoughts(response.Messages[^1].Contents),
        response.FinishReason?.Value,
        response.Usage,
        response.ConversationId);

    /// <summary>The part that an update of a chat client brings.</summary>
    public static ContractReply Of(ChatResponseUpdate update) => new(
        update.Text,
        Thoughts(update.Contents),
        update.FinishReason?.Value,
        update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details,
        update.ConversationId);

    /// <summary>This reply and the part after it.</summary>
    public ContractReply Then(ContractReply part) => new(
        Text + part.Text,
        Thought + part.Thought,
        part.FinishReason ?? FinishReason,
        part.Usage ?? Usage,
        part.ConversationId ?? ConversationId);

    /// <summary>The reply as the history has it.</summary>
    public ChatMessage ToMessage() => new(ChatRole.Assistant, Thought.Length > 0 ? [new TextReasoningContent(Thought), new TextContent(Text)] : [new TextContent(Text)]);

    private static string Thoughts(IEnumerable<AIContent> contents) => string.Concat(contents.OfType<TextReasoningContent>().Select(thought => thought.Text));
}
