using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.SemanticKernel.Mapping;

/// <summary>What a response tells beside its content, under the names that Semantic Kernel's connectors use.</summary>
internal static class ResponseMetadata
{
    private const string Id = "Id";
    private const string CreatedAt = "CreatedAt";
    private const string FinishReason = "FinishReason";
    private const string Usage = "Usage";
    private const string ConversationId = "ConversationId";

    /// <summary>The metadata of a whole response.</summary>
    public static IReadOnlyDictionary<string, object?> Of(ChatResponse response) =>
        Create(response.ResponseId, response.CreatedAt, response.FinishReason, response.Usage, response.ConversationId, response.AdditionalProperties);

    /// <summary>The metadata of a part of a response.</summary>
    public static IReadOnlyDictionary<string, object?> Of(ChatResponseUpdate update) =>
        Create(
            update.ResponseId,
            update.CreatedAt,
            update.FinishReason,
            update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details,
            update.ConversationId,
            update.AdditionalProperties);

    private static Dictionary<string, object?> Create(
        string? id,
        DateTimeOffset? createdAt,
        ChatFinishReason? finishReason,
        UsageDetails? usage,
        string? conversationId,
        AdditionalPropertiesDictionary? more)
    {
        var metadata = more is null ? new Dictionary<string, object?>() : new Dictionary<string, object?>(more);
        Add(Id, id);
        Add(CreatedAt, createdAt);
        Add(FinishReason, finishReason?.Value);
        Add(Usage, usage);
        Add(ConversationId, conversationId);
        return metadata;

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                metadata[name] = value;
            }
        }
    }
}
