using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;
using MixKVQ.AgentConnector.SemanticKernel.Mapping;

namespace MixKVQ.AgentConnector.SemanticKernel;

/// <summary>
/// Semantic Kernel's chat completion over a MixKVQ chat client: thoughts, function calls, usage and conversations
/// pass both ways. Safe for concurrent use, with a history for each caller; the client stays its owner's.
/// </summary>
public sealed class MixKvqChatCompletionService : IChatCompletionService
{
    private readonly IChatClient _client;
    private readonly ILogger _logger;
    private readonly AsyncLocal<int> _depth = new();

    /// <summary>Completes chats with <paramref name="chatClient"/>.</summary>
    /// <param name="chatClient">Does the work; it must not invoke functions itself. Not disposed here.</param>
    /// <param name="loggerFactory">Where requests and function calls are reported; null for nowhere.</param>
    public MixKvqChatCompletionService(IChatClient chatClient, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(chatClient);
        _client = chatClient;
        _logger = (ILogger?)loggerFactory?.CreateLogger<MixKvqChatCompletionService>() ?? NullLogger.Instance;
        var metadata = (ChatClientMetadata?)chatClient.GetService(typeof(ChatClientMetadata));
        Attributes = metadata?.DefaultModelId is { } modelId
            ? new Dictionary<string, object?> { [AIServiceExtensions.ModelIdKey] = modelId }
            : new Dictionary<string, object?>();
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, object?> Attributes { get; }

    /// <summary>Answers <paramref name="chatHistory"/>, invoking functions as the settings' function choice says.</summary>
    /// <param name="chatHistory">The dialogue; calls and their results are added to it, the answer is not.</param>
    /// <param name="executionSettings">Settings of any type; see <see cref="MixKvqPromptExecutionSettings"/>.</param>
    /// <param name="kernel">Holds plugins and filters; needed to invoke functions.</param>
    /// <param name="cancellationToken">Ends the answer.</param>
    /// <returns>One message; its metadata holds FinishReason, Usage and, in a conversation, ConversationId.</returns>
    /// <exception cref="ArgumentException">The history is empty, or a setting has the wrong type.</exception>
    /// <exception cref="NotSupportedException">A setting or content is one that the model cannot honour; it is named.</exception>
    public async Task<IReadOnlyList<ChatMessageContent>> GetChatMessageContentsAsync(
        ChatHistory chatHistory,
        PromptExecutionSettings? executionSettings = null,
        Kernel? kernel = null,
        CancellationToken cancellationToken = default)
    {
        ToolLoop loop = Begin(chatHistory, executionSettings, kernel, isStreaming: false);
        while (true)
        {
            (List<ChatMessage> messages, ChatOptions options) = loop.NextRequest();
            ChatResponse response = await _client.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
            ChatMessageContent message = loop.Read(response);
            if (!loop.Invokes(message))
            {
                return [message];
            }

            if (await loop.InvokeAsync(message, cancellationToken).ConfigureAwait(false) is { } last)
            {
                return [last];
            }
        }
    }

    /// <summary>
    /// Answers as <see cref="GetChatMessageContentsAsync"/> does, in parts as they come: thoughts, text and function
    /// calls of every request. The part that ends a request holds its FinishReason and Usage as metadata.
    /// </summary>
    /// <inheritdoc cref="GetChatMessageContentsAsync"/>
    public IAsyncEnumerable<StreamingChatMessageContent> GetStreamingChatMessageContentsAsync(
        ChatHistory chatHistory,
        PromptExecutionSettings? executionSettings = null,
        Kernel? kernel = null,
        CancellationToken cancellationToken = default) =>
        StreamAsync(Begin(chatHistory, executionSettings, kernel, isStreaming: true), cancellationToken);

    private async IAsyncEnumerable<StreamingChatMessageContent> StreamAsync(ToolLoop loop, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            (List<ChatMessage> messages, ChatOptions options) = loop.NextRequest();
            var mapping = new StreamingMapping(loop.RequestIndex);
            List<ChatResponseUpdate> updates = [];
            await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            {
                updates.Add(update);
                yield return mapping.Map(update);
            }

            ChatMessageContent message = loop.Read(updates.ToChatResponse());
            if (!loop.Invokes(message))
            {
                yield break;
            }

            if (await loop.InvokeAsync(message, cancellationToken).ConfigureAwait(false) is { } last)
            {
                yield return new StreamingChatMessageContent(last.Role, last.Content, modelId: last.ModelId);
                yield break;
            }
        }
    }

    private ToolLoop Begin(ChatHistory chatHistory, PromptExecutionSettings? executionSettings, Kernel? kernel, bool isStreaming)
    {
        ArgumentNullException.ThrowIfNull(chatHistory);
        return chatHistory.Count > 0
            ? new ToolLoop(chatHistory, executionSettings, kernel, isStreaming, _depth, _logger)
            : throw new ArgumentException("The chat history is empty; add a message to answer.", nameof(chatHistory));
    }
}
