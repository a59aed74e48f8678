using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>A greedy turn as a caller sees it.</summary>
/// <param name="FirstUpdate">From the call to the first update of the stream.</param>
/// <param name="Text">Thoughts and answer.</param>
/// <param name="ConversationId">The conversation.</param>
/// <param name="PrefilledTokens">Tokens of the prompt that were read in this turn.</param>
internal sealed record TimedTurn(TimeSpan FirstUpdate, string Text, string ConversationId, long PrefilledTokens)
{
    /// <summary>The most tokens of an answer.</summary>
    public const int AnswerTokens = 16;

    /// <summary>Takes a turn.</summary>
    /// <param name="client">A stateful client.</param>
    /// <param name="conversationId">The conversation; null to begin one.</param>
    /// <param name="messages">The new messages.</param>
    public static async Task<TimedTurn> TakeAsync(MixKvqChatClient client, string? conversationId, params ChatMessage[] messages)
    {
        var options = new ChatOptions { ConversationId = conversationId, Temperature = 0, MaxOutputTokens = AnswerTokens };
        var text = new StringBuilder();
        TimeSpan? first = null;
        long prefilled = 0;
        long start = Stopwatch.GetTimestamp();
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options))
        {
            first ??= Stopwatch.GetElapsedTime(start);
            conversationId = update.ConversationId ?? conversationId;
            foreach (AIContent content in update.Contents)
            {
                text.Append((content as TextReasoningContent)?.Text).Append((content as TextContent)?.Text);
                prefilled += (content as UsageContent)?.Details.AdditionalCounts?[MixKvqMetadata.PrefilledTokens] ?? 0;
            }
        }

        return new TimedTurn(first!.Value, text.ToString(), conversationId!, prefilled);
    }

    /// <summary>Takes a turn of one user message.</summary>
    public static Task<TimedTurn> AskAsync(MixKvqChatClient client, string? conversationId, string question) =>
        TakeAsync(client, conversationId, new ChatMessage(ChatRole.User, question));
}
