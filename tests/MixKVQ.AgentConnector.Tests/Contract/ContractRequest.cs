using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>What a caller asks for, in no framework's words.</summary>
/// <param name="Messages">The whole history, or the new messages of <paramref name="ConversationId"/>.</param>
/// <param name="Functions">On offer, to be invoked where the model calls them.</param>
/// <param name="StopSequence">Ends the answer.</param>
/// <param name="MaxOutputTokens">Limits it.</param>
/// <param name="ConversationId">The retained conversation to continue.</param>
/// <param name="RequiresCall">Whether the first answer has to be a call.</param>
/// <param name="Schema">The JSON schema of the answer.</param>
/// <param name="Effort">How much the model thinks.</param>
internal sealed record ContractRequest(
    IReadOnlyList<ChatMessage> Messages,
    IReadOnlyList<AIFunction>? Functions = null,
    string? StopSequence = null,
    int? MaxOutputTokens = null,
    string? ConversationId = null,
    bool RequiresCall = false,
    JsonElement? Schema = null,
    ReasoningEffort? Effort = null)
{
    /// <summary>A request of one user message.</summary>
    public ContractRequest(string text)
        : this([new ChatMessage(ChatRole.User, text)])
    {
    }

    /// <summary>The request as options of a chat client.</summary>
    public ChatOptions ToChatOptions() => new()
    {
        Tools = Functions is null ? null : [.. Functions],
        StopSequences = StopSequence is null ? null : [StopSequence],
        MaxOutputTokens = MaxOutputTokens,
        ConversationId = ConversationId,
        ToolMode = RequiresCall ? ChatToolMode.RequireAny : null,
        ResponseFormat = Schema is { } schema ? ChatResponseFormat.ForJsonSchema(schema) : null,
        Reasoning = Effort is { } effort ? new ReasoningOptions { Effort = effort } : null,
    };
}
