using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

/// <summary>A chat client that answers from a script and keeps what it was asked.</summary>
/// <param name="script">The responses, in order; each call takes the next.</param>
internal sealed class TestChatClient(params ChatResponse[] script) : IChatClient
{
    private int _next;

    /// <summary>Every request: a copy of its messages, and its options.</summary>
    public List<(List<ChatMessage> Messages, ChatOptions? Options)> Requests { get; } = [];

    /// <summary>Called before each answer.</summary>
    public Action? Answering { get; init; }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Requests.Add(([.. messages], options?.Clone()));
        Answering?.Invoke();
        return Task.FromResult(script[_next++]);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatResponse response = await GetResponseAsync(messages, options, cancellationToken);
        foreach (AIContent content in response.Messages.SelectMany(message => message.Contents).SelectMany(Pieces))
        {
            yield return new ChatResponseUpdate(ChatRole.Assistant, [content]) { ConversationId = response.ConversationId };
        }

        yield return new ChatResponseUpdate(ChatRole.Assistant, response.Usage is { } usage ? [new UsageContent(usage)] : [])
        {
            ConversationId = response.ConversationId,
            FinishReason = response.FinishReason,
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is null && serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("test", defaultModelId: "planner")
        : serviceKey is null && serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
    }

    /// <summary>Text and thoughts letter by letter, so that a merge has something to merge.</summary>
    private static IEnumerable<AIContent> Pieces(AIContent content) => content switch
    {
        TextReasoningContent thought => thought.Text.Select(letter => new TextReasoningContent(letter.ToString())),
        TextContent text => text.Text.Select(letter => new TextContent(letter.ToString())),
        _ => [content],
    };
}
