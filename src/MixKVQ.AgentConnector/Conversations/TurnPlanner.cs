using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// Decides what of a request the model has seen already. A request that continues a retained dialogue adds to its
/// tokens; any other prompt is rendered whole and compared with every retained one. Thread-safe.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="renderer">Renders with the model's template.</param>
/// <param name="store">The retained conversations.</param>
/// <param name="keepThoughts">
/// Whether earlier thoughts stay in a dialogue when a new user turn comes. Within a tool loop they always do.
/// </param>
/// <param name="clock">Tells the time that templates print.</param>
internal sealed class TurnPlanner(IChatModel model, PromptRenderer renderer, ConversationStore store, bool keepThoughts, TimeProvider clock)
{
    /// <summary>Plans a request that brings the whole dialogue.</summary>
    /// <param name="turns">The dialogue.</param>
    /// <param name="settings">What else shapes the prompt.</param>
    /// <param name="window">When to leave turns out; null for never.</param>
    /// <param name="cancellationToken">Ends the planning.</param>
    public TurnPlan PlanFull(IReadOnlyList<ChatTurn> turns, PromptSettings settings, ContextWindow? window, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained = store.Snapshot();
        try
        {
            foreach ((Conversation Conversation, ConversationState State) known in retained
                .Where(known => known.State.Settings.Key == settings.Key && known.State.Dialogue.IsContinuedBy(turns))
                .OrderByDescending(known => known.State.Dialogue.Turns.Count))
            {
                if (PlanContinuation(known, known.State.Dialogue, [.. turns.Skip(known.State.Dialogue.Turns.Count)], cancellationToken) is { } plan)
                {
                    return Fit(plan, retained, window, cancellationToken);
                }
            }

            return Fit(PlanRendered(retained, new Dialogue(turns), settings, clock.GetLocalNow(), cancellationToken), retained, window, cancellationToken);
        }
        finally
        {
            Release(retained);
        }
    }

    /// <summary>Plans a request that brings the new turns only. The caller holds the conversation's turn.</summary>
    /// <param name="conversation">The conversation.</param>
    /// <param name="newTurns">The new turns.</param>
    /// <param name="settings">What else shapes the prompt.</param>
    /// <param name="window">When to leave turns out; null for never.</param>
    /// <param name="cancellationToken">Ends the planning.</param>
    public TurnPlan PlanDelta(Conversation conversation, IReadOnlyList<ChatTurn> newTurns, PromptSettings settings, ContextWindow? window, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained = store.Snapshot();
        try
        {
            (Conversation Conversation, ConversationState State) known = retained.Single(known => known.Conversation == conversation);
            settings = settings.After(known.State.Settings);

            // The caller never sends the turns that were left out again: they need not be known any more.
            Dialogue dialogue = known.State.Dialogue.Forget();
            TurnPlan? plan = known.State.Settings.Key == settings.Key ? PlanContinuation(known, dialogue, newTurns, cancellationToken) : null;
            plan ??= PlanRendered(retained, dialogue.With(newTurns), settings, known.State.StartedAt, cancellationToken);
            plan = Fit(plan, retained, window, cancellationToken);
            plan.Continues = known;
            return plan;
        }
        finally
        {
            Release(retained);
        }
    }

    private static void Release(IEnumerable<(Conversation Conversation, ConversationState State)> retained)
    {
        foreach ((_, ConversationState state) in retained)
        {
            state.Release();
        }
    }

    /// <summary>
    /// A plan whose prompt the window takes: <paramref name="plan"/>, or one that leaves out what a retained dialogue left out, or as few
    /// more turns as it takes to come down to the window's target. Where nothing more can be left out, the prompt may still be too long.
    /// </summary>
    private TurnPlan Fit(TurnPlan plan, IReadOnlyList<(Conversation Conversation, ConversationState State)> retained, ContextWindow? window, CancellationToken cancellationToken)
    {
        if (window is null || plan.Prompt.Count <= window.Limit)
        {
            return plan;
        }

        plan.Dispose();
        Dialogue dialogue = plan.Dialogue;
        if (dialogue.DroppedCount == 0 && retained.Select(known => known.State.Dialogue).FirstOrDefault(known => known.CanBeLeftOutOf(dialogue)) is { } earlier)
        {
            Dialogue same = dialogue.Dropping(earlier.DroppedCount);
            if (CountTokens(same, plan, cancellationToken) <= window.Limit)
            {
                return Replan(same);
            }

            dialogue = same;
        }

        // Prompts shrink with every turn that is left out: the least cut is found by halving.
        IReadOnlyList<int> cuts = dialogue.FindCuts();
        int low = 0;
        int high = cuts.Count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (CountTokens(dialogue.Dropping(cuts[middle]), plan, cancellationToken) <= window.Target)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return Replan(cuts.Count > 0 ? dialogue.Dropping(cuts[high]) : dialogue);

        TurnPlan Replan(Dialogue fitting)
        {
            TurnPlan replanned = PlanRendered(retained, fitting, plan.Settings, plan.StartedAt, cancellationToken);
            replanned.Continues = plan.Continues ?? replanned.Continues;
            return replanned;
        }
    }

    private int CountTokens(Dialogue dialogue, TurnPlan plan, CancellationToken cancellationToken) =>
        model.Tokenizer.EncodePrompt(renderer.RenderAll(dialogue.Kept, plan.Settings, plan.StartedAt, cancellationToken)).Sum(segment => segment.TokenIds.Length);

    /// <summary>The plan that adds <paramref name="newTurns"/> to what the model has seen; null where that cannot be.</summary>
    private TurnPlan? PlanContinuation((Conversation Conversation, ConversationState State) known, Dialogue dialogue, IReadOnlyList<ChatTurn> newTurns, CancellationToken cancellationToken)
    {
        ConversationState state = known.State;
        bool inToolLoop = newTurns.All(turn => turn.Role == TurnRole.Tool);
        if ((!keepThoughts && !inToolLoop && dialogue.Kept.Any(turn => turn.Reasoning.Length > 0))
            || renderer.RenderContinuation(dialogue.Kept, newTurns, state.Settings, state.StartedAt, cancellationToken) is not { } text)
        {
            return null;
        }

        TokenLog prompt = state.Tokens.Clone();
        prompt.Append(model.Tokenizer.EncodePrompt(text, continuesText: prompt.EndsInText));
        return new TurnPlan(state, state.CachedTokens, prompt, dialogue.With(newTurns), state.Settings, state.StartedAt, EndsInThought(text)) { Continues = Unnamed(known) };
    }

    /// <summary>The plan of a prompt rendered whole, on the state that shares most of it.</summary>
    private TurnPlan PlanRendered(
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained,
        Dialogue dialogue,
        PromptSettings settings,
        DateTimeOffset startedAt,
        CancellationToken cancellationToken)
    {
        string text = renderer.RenderAll(dialogue.Kept, settings, startedAt, cancellationToken);
        PromptSegment[] segments = model.Tokenizer.EncodePrompt(text);
        var prompt = new TokenLog();
        prompt.Append(segments);
        int reusableTokens = 0;
        bool sharesAll = false;
        (Conversation Conversation, ConversationState State)? nearest = null;
        foreach ((Conversation Conversation, ConversationState State) known in retained)
        {
            TokenLog rebased = known.State.Tokens.Rebase(segments, out int sharedTokens);

            // The last token of a prompt is always read: its logits choose the first token of the answer.
            int reusable = known.State.ReusableTokens(Math.Min(sharedTokens, rebased.Count - 1));
            if (reusable > reusableTokens)
            {
                (prompt, reusableTokens, nearest) = (rebased, reusable, known);
                sharesAll = sharedTokens == known.State.Tokens.Count && reusable == known.State.CachedTokens;
            }
        }

        bool startsInThought = EndsInThought(text);
        if (nearest is not { } chosen)
        {
            return new TurnPlan(basis: null, 0, prompt, dialogue, settings, startedAt, startsInThought);
        }

        return new TurnPlan(chosen.State, reusableTokens, prompt, dialogue, settings, startedAt, startsInThought) { Continues = sharesAll ? Unnamed(chosen) : null };
    }

    /// <summary>A caller who was given an id finds the conversation as that caller left it: others go on beside it.</summary>
    private static (Conversation Conversation, ConversationState State)? Unnamed((Conversation Conversation, ConversationState State) known) =>
        known.Conversation.IsNamed ? null : known;

    private static bool EndsInThought(string prompt) => prompt.AsSpan().TrimEnd().EndsWith(ThoughtTags.Open);
}
