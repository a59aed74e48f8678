using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// Reads answers again without their thoughts while no generation runs, so that the next request, whose prompt leaves the thoughts out, finds
/// them in the cache. One at a time, in order; what is read in vain is lost, and nothing else. Thread-safe.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="renderer">Renders with the model's template.</param>
/// <param name="conversations">Keeps the conversations.</param>
/// <param name="engine">Reads.</param>
/// <param name="logger">Where failures are logged.</param>
internal sealed class IdlePrefill(IChatModel model, PromptRenderer renderer, ConversationKeeper conversations, InferenceEngine engine, ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<IdleJob> _jobs = [];
    private readonly SemaphoreSlim _single = new(1, 1);
    private long _prefilledTokens;
    private bool _isClosed;

    /// <summary>The tokens read so far.</summary>
    public long PrefilledTokens => Interlocked.Read(ref _prefilledTokens);

    /// <summary>Begins with the last answer of a conversation, unless it calls tools or there are no thoughts to leave out. Returns at once.</summary>
    /// <param name="conversation">The conversation.</param>
    /// <param name="state">How it stands; not retained until the work begins.</param>
    public void Start(Conversation conversation, ConversationState state)
    {
        if (state.Dialogue.Turns[^1].Calls.Count > 0 || !state.Tokens.Contains(ThoughtTags.Open))
        {
            return;
        }

        lock (_gate)
        {
            if (!_isClosed)
            {
                IdleJob job = new(conversation, state);
                _jobs.Add(job);
                job.Completion = Task.Run(() => RunAsync(job));
            }
        }
    }

    /// <summary>Stops what a request may be about to make use of, within one step of the engine. What was read until then stays of use.</summary>
    /// <param name="conversation">The conversation that the request names, of which the caller holds the turn; null where it names none.</param>
    /// <param name="turns">Where it names none: the request's dialogue.</param>
    /// <param name="settings">The settings of its prompt.</param>
    public Task YieldAsync(Conversation? conversation, IReadOnlyList<ChatTurn> turns, PromptSettings settings) => StopAsync(job => conversation is not null
        ? job.Conversation == conversation
        : job.State.Settings.Key == settings.Key && job.State.Dialogue.IsContinuedBy(turns));

    /// <summary>Stops everything, within one step of the engine; nothing is begun from now on.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        return StopAsync(_ => true);
    }

    /// <summary>Ends when all that was begun until now has ended.</summary>
    public Task WhenDoneAsync()
    {
        lock (_gate)
        {
            return Task.WhenAll(_jobs.Select(job => job.Completion));
        }
    }

    /// <summary>Stops as <see cref="CloseAsync"/> does.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _single.Dispose();
    }

    private Task StopAsync(Func<IdleJob, bool> isMeant)
    {
        lock (_gate)
        {
            IdleJob[] jobs = [.. _jobs.Where(isMeant)];
            Array.ForEach(jobs, job => job.Stop());
            return Task.WhenAll(jobs.Select(job => job.Completion));
        }
    }

    /// <summary>Stops a job, unless it has ended: turns that wait for its memory hold up the engine that it waits for.</summary>
    private void Stop(IdleJob job)
    {
        lock (_gate)
        {
            if (_jobs.Contains(job))
            {
                job.Stop();
            }
        }
    }

    private async Task RunAsync(IdleJob job)
    {
        try
        {
            await _single.WaitAsync(job.Stopping).ConfigureAwait(false);
            try
            {
                await ReadAsync(job).ConfigureAwait(false);
            }
            finally
            {
                _single.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The conversation stays as it was: its next turn reads what this did not.
        }
        catch (Exception exception)
        {
            ChatLog.IdlePrefillFailed(logger, job.Conversation.Id, exception);
        }
        finally
        {
            lock (_gate)
            {
                _jobs.Remove(job);
                job.Dispose();
            }
        }
    }

    private async Task ReadAsync(IdleJob job)
    {
        ConversationState state = job.State;
        if (!conversations.Store.TryRetain(job.Conversation, state))
        {
            return;
        }

        try
        {
            if (PlanStripped(state, job.Stopping) is not { } plan)
            {
                return;
            }

            using (plan)
            {
                using MemoryClaim? memory = conversations.Store.Budget.TryEnter(state, plan.CachedTokens, plan.Prompt.Count, () => Stop(job));
                if (memory is null || !state.IsResident)
                {
                    return;
                }

                plan.Open(model.Sequences);
                memory.Sequence = plan.Sequence;
                if (await TryPrefillAsync(plan, job.Stopping).ConfigureAwait(false))
                {
                    await conversations.ReplaceAsync(job.Conversation, state, plan.ToPromptState()).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            state.Release();
        }
    }

    /// <summary>The dialogue as its prompt will be when a message of the user follows; null where that changes nothing.</summary>
    private TurnPlan? PlanStripped(ConversationState state, CancellationToken cancellationToken)
    {
        if (renderer.RenderAnswered(state.Dialogue.Kept, state.Settings, state.StartedAt, cancellationToken) is not { } text)
        {
            return null;
        }

        TokenLog tokens = state.Tokens.Rebase(model.Tokenizer.EncodePrompt(text), out int sharedTokens);
        int reusableTokens = state.ReusableTokens(sharedTokens);
        return sharedTokens == state.Tokens.Count || tokens.Count >= model.ContextLength || !state.IsResident ? null
            : new TurnPlan(state, reusableTokens, tokens, state.Dialogue, state.Settings, state.StartedAt, startsInThought: false)
            {
                AnswerEnds = [.. AnswerEnd.Shared(state, state.Dialogue, sharedTokens).Where(end => end.TurnCount < state.Dialogue.Turns.Count), new AnswerEnd(state.Dialogue.Turns.Count, tokens.Count)],
            };
    }

    /// <summary>Reads the plan's prompt; false where it was stopped before anything was read.</summary>
    private async Task<bool> TryPrefillAsync(TurnPlan plan, CancellationToken cancellationToken)
    {
        int start = plan.Sequence.TokenCount;
        try
        {
            await engine.PrefillAsync(plan.Sequence, plan.Prompt.Range(start, plan.Prompt.Count), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (plan.Sequence.TokenCount > start)
        {
            // What was read is a beginning of the prompt, too.
        }

        Interlocked.Add(ref _prefilledTokens, plan.Sequence.TokenCount - start);
        return plan.Sequence.TokenCount > start;
    }
}
