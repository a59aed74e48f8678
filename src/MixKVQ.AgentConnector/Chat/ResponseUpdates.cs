using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Makes the updates of one response.</summary>
internal sealed class ResponseUpdates(string modelName, string? conversationId, DateTimeOffset createdAt)
{
    private readonly string _responseId = $"resp_{Guid.NewGuid():N}";
    private readonly string _messageId = $"msg_{Guid.NewGuid():N}";

    /// <summary>An update that brings <paramref name="content"/>.</summary>
    public ChatResponseUpdate Of(AIContent content) => new(ChatRole.Assistant, [content])
    {
        ResponseId = _responseId,
        MessageId = _messageId,
        ConversationId = conversationId,
        CreatedAt = createdAt,
        ModelId = modelName,
    };

    /// <summary>The last update.</summary>
    /// <param name="report">The turn's figures.</param>
    /// <param name="reason">Why the answer ended.</param>
    /// <param name="id">The conversation's id, where the caller is told; a new one is told only now, when it exists.</param>
    public ChatResponseUpdate Last(TurnReport report, ChatFinishReason reason, string? id)
    {
        ChatResponseUpdate update = Of(new UsageContent(report.ToUsage()));
        update.FinishReason = reason;
        update.ConversationId = id;
        update.AdditionalProperties = report.ToProperties();
        return update;
    }
}
