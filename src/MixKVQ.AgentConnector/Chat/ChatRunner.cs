using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Chat.Guidance;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Answers requests with a loaded model and the conversations it remembers. Owns both. Thread-safe.</summary>
internal sealed class ChatRunner : IAsyncDisposable
{
    private const int WarmUpTokens = 8;

    private readonly InferenceEngine _engine;
    private readonly IChatModel _model;
    private readonly ChatSettings _settings;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ConversationKeeper _conversations;
    private readonly ConversationMeter _meter;
    private readonly TurnPlanner _planner;
    private readonly IdlePrefill _idle;
    private readonly ChatRequestReader _requests;
    private readonly TurnForms _forms;
    private readonly ToolCallFormat _toolCallFormat;

    /// <summary>Takes over <paramref name="model"/>, <paramref name="conversations"/> and <paramref name="meter"/>.</summary>
    public ChatRunner(IChatModel model, ChatSettings settings, ConversationKeeper conversations, ConversationMeter meter, TimeProvider clock, ILogger logger)
    {
        _engine = new InferenceEngine();
        _model = model;
        _settings = settings;
        _clock = clock;
        _logger = logger;
        _conversations = conversations;
        _meter = meter;
        meter.Observe(() => conversations.Store.Totals, () => conversations.DiskBytes);
        var renderer = new PromptRenderer(model.Tokenizer, model.Template);
        _toolCallFormat = renderer.ToolCallFormat;
        _planner = new TurnPlanner(model, renderer, conversations.Store, clock);
        _idle = new IdlePrefill(model, renderer, conversations, _engine, logger);
        _requests = new ChatRequestReader(settings.ModelName, model.GenerationDefaults, settings.MaxOutputTokens, settings.KeepThoughts, renderer.CanDisableThinking, model.Tokenizer.VocabularySize);
        _forms = new TurnForms(model.Tokenizer, renderer.ToolCallFormat, renderer.CanThink, logger);
    }

    /// <summary>The conversations retained.</summary>
    public ConversationKeeper Conversations => _conversations;

    /// <summary>The tokens read while no turn ran.</summary>
    public long IdlePrefilledTokens => _idle.PrefilledTokens;

    /// <summary>Ends when nothing is left to do between turns.</summary>
    public Task WhenIdleWorkIsDoneAsync() => _idle.WhenDoneAsync();

    /// <summary>Ends the work between turns, within one step, for good.</summary>
    public Task EndIdleWorkAsync() => _idle.CloseAsync();

    /// <summary>Reads a short prompt and decodes one token, so that what is made on first use is there when a request comes.</summary>
    public async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        using IConversationSequence sequence = _model.Sequences.Create();
        int[] prompt = new int[Math.Min(WarmUpTokens, _model.ContextLength - 1)];
        var generation = new GenerationRequest(sequence, prompt, ReadOnlyMemory<int>.Empty, SamplingOptions.Greedy, MaxOutputTokens: 2, EndTokens: [], _model.ContextLength);
        await foreach (GeneratedToken _ in _engine.GenerateAsync(generation, cancellationToken).ConfigureAwait(false))
        {
        }
    }

    /// <summary>Streams the answer. A turn that does not reach its last update leaves its conversation as it was.</summary>
    /// <param name="messages">The whole history, or the new messages of the conversation that the options name.</param>
    /// <param name="options">What the caller asks for.</param>
    /// <param name="client">The client that was asked.</param>
    /// <param name="cancellationToken">Ends the turn between two steps.</param>
    public async IAsyncEnumerable<ChatResponseUpdate> RunAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ChatRequest request = _requests.Read(options, client);
        List<ChatTurn> turns = ChatTurnReader.Read(messages);
        TurnForm form = await Task.Run(() => _forms.Of(request), cancellationToken).ConfigureAwait(false);
        using ConversationLease? lease = request.ConversationId is { } id ? await ConversationLease.EnterAsync(_conversations.Store, id, cancellationToken).ConfigureAwait(false) : null;
        await _idle.YieldAsync(lease?.Conversation, turns, request.Prompt).ConfigureAwait(false);
        (TurnPlan opened, MemoryClaim memory) = await OpenAsync(request, turns, lease, cancellationToken).ConfigureAwait(false);
        using MemoryClaim claim = memory;

        // The sequence goes before the memory that it takes is given to others.
        using TurnPlan plan = opened;
        int promptTokens = plan.Prompt.Count;
        if (plan.Dialogue.LeftOutCount > (plan.Continues?.State.Dialogue.LeftOutCount ?? 0))
        {
            ChatLog.MessagesDropped(_logger, _model.ContextLength, plan.Dialogue.LeftOutCount, promptTokens);
        }

        var output = new TurnOutput(request, _model.Tokenizer, _toolCallFormat, plan.StartsInThought, plan.Prompt.EndsInText);
        var response = new ResponseUpdates(_settings.ModelName, request.ConversationId, _clock.GetUtcNow());
        int maxTokens = Math.Min(MostTokens(request, promptTokens), claim.MostTokens + 1) - promptTokens;
        GeneratedToken last = default;
        var generation = new GenerationRequest(
            plan.Sequence,
            plan.Prompt.Range(plan.CachedTokens, promptTokens),
            plan.Prompt.Range(0, plan.CachedTokens),
            request.Sampling,
            maxTokens,
            _model.EndTokens,
            _model.ContextLength)
        {
            Relief = _conversations.Relief,
            Guide = form.IsFree ? null : new TurnGuide(form, _model.Tokenizer, _model.EndTokens, plan.StartsInThought, maxTokens),
        };
        await foreach (GeneratedToken token in _engine.GenerateAsync(generation, cancellationToken).ConfigureAwait(false))
        {
            last = token;
            if (token.End == GenerationEnd.EndToken)
            {
                break;
            }

            foreach (AIContent content in output.Append(token.Id, token.Likelihood))
            {
                yield return response.Of(content);
            }

            if (output.IsOver)
            {
                break;
            }

            if (token.End is null)
            {
                // The step that follows reads this token.
                await claim.GrowAsync(plan.Sequence.TokenCount + 1, cancellationToken).ConfigureAwait(false);
            }
        }

        foreach (AIContent content in output.Finish())
        {
            yield return response.Of(content);
        }

        var report = new TurnReport(promptTokens, plan.CachedTokens, output.TokenIds.Count, output.ReasoningTokenCount, last.Statistics.DecodedTokensPerSecond, plan.Sequence.Usage)
        {
            DroppedMessages = plan.Dialogue.LeftOutCount,
            LogProbabilities = request.Sampling.ReportedAlternatives is null ? null : output.LogProbabilities ?? [],
        };
        ChatFinishReason reason = output.Turn.Calls.Count > 0 ? ChatFinishReason.ToolCalls
            : !output.IsOver && last.End is GenerationEnd.OutputLimit or GenerationEnd.ContextLimit ? ChatFinishReason.Length
            : ChatFinishReason.Stop;
        ConversationState next = plan.ToState(output.Turn, output.TokenIds, _model.Tokenizer);
        Conversation conversation = await _conversations.CommitAsync(plan.Continues, next, _settings.IsStateful).ConfigureAwait(false);
        claim.Dispose();
        if (!request.KeepThoughts)
        {
            _idle.Start(conversation, next);
        }

        lease?.Dispose();
        _meter.CountPrompt(promptTokens, plan.CachedTokens);
        ChatLog.TurnDone(_logger, conversation.Id, report, reason);
        yield return response.Last(report, reason, _settings.IsStateful ? conversation.Id : request.ConversationId);
    }

    /// <summary>Releases the conversations and the model.</summary>
    public async ValueTask DisposeAsync()
    {
        await _idle.DisposeAsync().ConfigureAwait(false);
        await _engine.DisposeAsync().ConfigureAwait(false);
        _conversations.Dispose();
        _meter.Dispose();
        _model.Dispose();
    }

    private int MostTokens(ChatRequest request, int promptTokens) =>
        (int)Math.Min(_model.ContextLength, promptTokens + (long)(request.MaxOutputTokens ?? int.MaxValue));

    /// <summary>Plans the turn and waits for its memory; the caller disposes both.</summary>
    private async Task<(TurnPlan Plan, MemoryClaim Memory)> OpenAsync(ChatRequest request, IReadOnlyList<ChatTurn> turns, ConversationLease? lease, CancellationToken cancellationToken)
    {
        while (true)
        {
            TurnPlan plan = await Task.Run(() => Plan(request, turns, lease, cancellationToken), cancellationToken).ConfigureAwait(false);
            try
            {
                int promptTokens = plan.Prompt.Count;
                if (promptTokens >= _model.ContextLength)
                {
                    throw new InvalidOperationException(
                        $"The prompt has {promptTokens} tokens, and the context holds {_model.ContextLength} with the answer. Send fewer or shorter messages, raise {nameof(MixKvqOptions)}.{nameof(MixKvqOptions.ContextLength)} where the model allows, or have the oldest messages left out by {nameof(MixKvqOptions.ContextOverflow)}.");
                }

                if (await _conversations.BeginAsync(plan, MostTokens(request, promptTokens), cancellationToken).ConfigureAwait(false) is { } memory)
                {
                    return (plan, memory);
                }
            }
            catch
            {
                plan.Dispose();
                throw;
            }

            plan.Dispose();
        }
    }

    private TurnPlan Plan(ChatRequest request, IReadOnlyList<ChatTurn> turns, ConversationLease? lease, CancellationToken cancellationToken)
    {
        ContextWindow? window = _settings.ContextOverflow == ContextOverflowPolicy.DropOldest ? new ContextWindow(_model.ContextLength, request.MaxOutputTokens) : null;
        if (lease is not null)
        {
            return _planner.PlanDelta(lease.Conversation, turns, request.Prompt, request.KeepThoughts, window, cancellationToken);
        }

        TurnPlan plan = _planner.PlanFull(turns, request.Prompt, request.KeepThoughts, window, cancellationToken);
        if (_settings.IsStateful)
        {
            // The caller is about to be given an id: it names a conversation of its own.
            plan.Continues = null;
        }

        return plan;
    }

}
