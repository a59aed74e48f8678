using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel.Mapping;
using FunctionCallContent = Microsoft.SemanticKernel.FunctionCallContent;

namespace MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

/// <summary>
/// The requests of one completion: asks, invokes what the model calls, asks again. Extends the caller's history by
/// every message but the last answer, as Semantic Kernel's connectors do. Not thread-safe.
/// </summary>
internal sealed class ToolLoop
{
    /// <summary>After this many requests, calls are handed to the caller: a model may repeat itself for ever.</summary>
    public const int MaxInvokingRequests = 128;

    /// <summary>Completions inside functions of completions; deeper ones hand their calls to the caller.</summary>
    private const int MaxDepth = 16;

    private readonly ChatHistory _history;
    private readonly MixKvqPromptExecutionSettings _settings;
    private readonly PromptExecutionSettings? _givenSettings;
    private readonly Kernel? _kernel;
    private readonly ILogger _logger;
    private readonly AsyncLocal<int> _depth;
    private readonly bool _isStreaming;
    private ResolvedFunctionChoice? _choice;
    private string? _conversationId;
    private int _knownMessageCount;
    private int _requestIndex = -1;

    /// <summary>A loop over <paramref name="history"/>, which it mutates.</summary>
    /// <param name="history">The dialogue, or what is new of it where the settings name a conversation.</param>
    /// <param name="settings">The caller's settings of any type.</param>
    /// <param name="kernel">Needed to invoke functions.</param>
    /// <param name="isStreaming">Told to filters.</param>
    /// <param name="depth">Completions of this service that the current one runs inside of.</param>
    /// <param name="logger">Told of each request and call.</param>
    public ToolLoop(ChatHistory history, PromptExecutionSettings? settings, Kernel? kernel, bool isStreaming, AsyncLocal<int> depth, ILogger logger)
    {
        _history = history;
        _givenSettings = settings;
        _settings = MixKvqPromptExecutionSettings.FromExecutionSettings(settings);
        _conversationId = _settings.ConversationId;
        _kernel = kernel;
        _isStreaming = isStreaming;
        _depth = depth;
        _logger = logger;
    }

    /// <summary>The place of the current request, from 0.</summary>
    public int RequestIndex => _requestIndex;

    /// <summary>The next request: the whole history, or what a named conversation does not hold yet.</summary>
    /// <exception cref="NotSupportedException">A message holds content that the model cannot read; it is named.</exception>
    public (List<ChatMessage> Messages, ChatOptions Options) NextRequest()
    {
        _requestIndex++;
        _choice = ResolvedFunctionChoice.Resolve(_settings.FunctionChoiceBehavior, _history, _kernel, _requestIndex);
        ChatOptions options = ChatOptionsMapping.ToChatOptions(_settings);
        options.ConversationId = _conversationId;
        if (_choice.Functions.Tools.Count > 0)
        {
            options.Tools = [.. _choice.Functions.Tools];
            options.ToolMode = _choice.ToolMode;
            options.AllowMultipleToolCalls = _choice.AllowParallelCalls;
        }

        IEnumerable<ChatMessageContent> messages = _conversationId is null ? _history : _history.Skip(_knownMessageCount);
        List<ChatMessage> mapped = ChatHistoryMapping.ToChatMessages(messages);
        _logger.Asking(_requestIndex, mapped.Count, _choice.Functions.Tools.Count);
        return (mapped, options);
    }

    /// <summary>The response as a message.</summary>
    public ChatMessageContent Read(ChatResponse response)
    {
        _conversationId = response.ConversationId ?? _conversationId;
        return ChatResponseMapping.ToChatMessageContent(response, _choice!.Functions);
    }

    /// <summary>Whether the calls of <paramref name="message"/>, if any, are invoked here.</summary>
    public bool Invokes(ChatMessageContent message)
    {
        if (!_choice!.AutoInvoke || !FunctionCallContent.GetFunctionCalls(message).Any())
        {
            return false;
        }

        if (_requestIndex < MaxInvokingRequests && _depth.Value < MaxDepth)
        {
            return true;
        }

        _logger.LoopEnded(_requestIndex, _depth.Value);
        return false;
    }

    /// <summary>Adds <paramref name="message"/> and the results of its calls to the history.</summary>
    /// <returns>The history's last message where a filter asked to end; else null, and the model is asked again.</returns>
    public async Task<ChatMessageContent?> InvokeAsync(ChatMessageContent message, CancellationToken cancellationToken)
    {
        _history.Add(message);
        _knownMessageCount = _history.Count;

        // An async method's changes to it end with the method.
        _depth.Value++;
        var round = new InvocationRound(_choice!, _givenSettings, _requestIndex, _isStreaming, cancellationToken);
        bool ends = await new FunctionInvoker(_kernel!, _logger).InvokeAllAsync(message, _history, round).ConfigureAwait(false);
        return ends ? _history[^1] : null;
    }
}
