using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>What <c>ChatOptions</c> ask for, checked and with every default filled in. Immutable.</summary>
/// <param name="ConversationId">The conversation whose new messages these are; null where the messages are the whole history.</param>
/// <param name="Prompt">What shapes the prompt beside the messages.</param>
/// <param name="Sampling">How tokens are chosen.</param>
/// <param name="MaxOutputTokens">The output limit; null for as many as the context holds.</param>
/// <param name="StopSequences">Texts that end the answer and are not part of it.</param>
/// <param name="Form">What the answer has to be.</param>
/// <param name="KeepThoughts">Whether earlier thoughts stay in the prompt when a new user turn comes.</param>
/// <param name="ThoughtTokens">The most tokens of a thought; 0 for none, null for no limit.</param>
/// <param name="SingleToolCall">Whether the answer ends after its first tool call.</param>
/// <param name="HideReasoning">Whether thoughts are left out of the response.</param>
internal sealed record ChatRequest(
    string? ConversationId,
    PromptSettings Prompt,
    SamplingOptions Sampling,
    int? MaxOutputTokens,
    IReadOnlyList<string> StopSequences,
    AnswerForm Form,
    bool KeepThoughts,
    int? ThoughtTokens,
    bool SingleToolCall,
    bool HideReasoning);
