using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// Decides what of a request the model has seen already. A request that goes on from an answer of a retained dialogue adds to its tokens; any
/// other prompt is rendered whole. Either is then compared with every retained one. Thread-safe.
/// </summary>
/// <remarks>
/// Every plan says whether earlier thoughts stay in a dialogue when a new user turn comes. Within a tool loop they always do.
/// </remarks>
/// <param name="model">The model.</param>
/// <param name="renderer">Renders with the model's template.</param>
/// <param name="store">The retained conversations.</param>
/// <param name="clock">Tells the time that templates print.</param>
internal sealed class TurnPlanner(IChatModel model, PromptRenderer renderer, ConversationStore store, TimeProvider clock)
{
    /// <summary>Plans a request that brings the whole dialogue.</summary>
    /// <param name="turns">The dialogue.</param>
    /// <param name="settings">What else shapes the prompt.</param>
    /// <param name="keepThoughts">Whether earlier thoughts stay.</param>
    /// <param name="window">When to leave turns out; null for never.</param>
    /// <param name="cancellationToken">Ends the planning.</param>
    public TurnPlan PlanFull(IReadOnlyList<ChatTurn> turns, PromptSettings settings, bool keepThoughts, ContextWindow? window, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained = store.Snapshot();
        try
        {
            (Conversation Conversation, ConversationState State)? continued = null;
            foreach (((Conversation Conversation, ConversationState State) known, AnswerEnd beginning) in FindBeginnings(retained, turns, settings))
            {
                bool isWhole = beginning.TurnCount == known.State.Dialogue.Turns.Count;
                continued ??= isWhole ? known : null;
                if (PlanContinuation(retained, known.State, beginning.TokenCount, known.State.Dialogue.UpTo(beginning.TurnCount), [.. turns.Skip(beginning.TurnCount)], keepThoughts, cancellationToken) is { } plan)
                {
                    plan.Continues = isWhole ? Unnamed(known) : null;
                    return Fit(plan, retained, window, cancellationToken);
                }
            }

            // A dialogue that goes on stays one, with the time it began, although its prompt is another.
            TurnPlan rendered = PlanRendered(retained, new Dialogue(turns), settings, continued?.State.StartedAt ?? clock.GetLocalNow(), cancellationToken);
            rendered.Continues = continued is { } same ? Unnamed(same) : rendered.Continues;
            return Fit(rendered, retained, window, cancellationToken);
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
    /// <param name="keepThoughts">Whether earlier thoughts stay.</param>
    /// <param name="window">When to leave turns out; null for never.</param>
    /// <param name="cancellationToken">Ends the planning.</param>
    public TurnPlan PlanDelta(
        Conversation conversation, IReadOnlyList<ChatTurn> newTurns, PromptSettings settings, bool keepThoughts, ContextWindow? window, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained = store.Snapshot();
        try
        {
            (Conversation Conversation, ConversationState State) known = retained.Single(known => known.Conversation == conversation);
            settings = settings.After(known.State.Settings);

            // The caller never sends the turns that were left out again: they need not be known any more.
            Dialogue dialogue = known.State.Dialogue.Forget();
            TurnPlan? plan = known.State.Settings.Key == settings.Key
                ? PlanContinuation(retained, known.State, known.State.Tokens.Count, dialogue, newTurns, keepThoughts, cancellationToken)
                : null;
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

    /// <summary>Of each retained dialogue with these settings, the last answer up to which <paramref name="turns"/> say the same; latest answers first.</summary>
    private static IEnumerable<((Conversation Conversation, ConversationState State) Known, AnswerEnd End)> FindBeginnings(
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained, IReadOnlyList<ChatTurn> turns, PromptSettings settings) =>
        retained
            .Where(known => known.State.Settings.Key == settings.Key)
            .Select(known => (Known: known, End: FindBeginning(known.State, turns)))
            .Where(found => found.End.TurnCount > 0)
            .OrderByDescending(found => found.End.TurnCount)
            .ThenBy(found => found.Known.State.Dialogue.Turns.Count)

            // A fork that was given an id is not gone on with by others: the one that it was forked from is.
            .ThenBy(found => found.Known.Conversation.IsNamed);

    private static AnswerEnd FindBeginning(ConversationState state, IReadOnlyList<ChatTurn> turns)
    {
        int shared = Math.Min(state.Dialogue.CountShared(turns), turns.Count - 1);
        return shared == state.Dialogue.Turns.Count ? new AnswerEnd(shared, state.Tokens.Count) : state.AnswerEnds.LastOrDefault(end => end.TurnCount <= shared);
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

    /// <summary>
    /// The plan that adds <paramref name="newTurns"/> to the first <paramref name="tokens"/> tokens of what the model has seen, which are those of
    /// <paramref name="dialogue"/>; null where that cannot be.
    /// </summary>
    private TurnPlan? PlanContinuation(
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained,
        ConversationState state,
        int tokens,
        Dialogue dialogue,
        IReadOnlyList<ChatTurn> newTurns,
        bool keepThoughts,
        CancellationToken cancellationToken)
    {
        bool inToolLoop = newTurns.All(turn => turn.Role == TurnRole.Tool);
        bool asks = newTurns.Any(turn => turn.Role == TurnRole.User);

        // Where thoughts are left out, only a user's message says that all earlier ones are: any other turns are rendered whole.
        if (state.Tokens.Prefix(tokens) is not { } prompt
            || !(keepThoughts || inToolLoop || (asks && !prompt.Contains(ThoughtTags.Open)))
            || renderer.RenderContinuation(dialogue.Kept, newTurns, state.Settings, state.StartedAt, cancellationToken) is not { } text)
        {
            return null;
        }

        prompt.Append(model.Tokenizer.EncodePrompt(text, continuesText: prompt.EndsInText));
        (ConversationState? basis, int reusableTokens) = FindBasis(retained, prompt);
        dialogue = dialogue.With(newTurns);
        return new TurnPlan(basis, reusableTokens, prompt, dialogue, state.Settings, state.StartedAt, EndsInThought(text))
        {
            AnswerEnds = AnswerEnd.Shared(state, dialogue, tokens),
        };
    }

    /// <summary>The plan of a prompt rendered whole, with the recorded ids of the retained dialogue that shares most of it.</summary>
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
        int most = 0;
        (Conversation Conversation, ConversationState State)? nearest = null;
        foreach ((Conversation Conversation, ConversationState State) known in retained)
        {
            int reusable = known.State.ReusableTokens(known.State.Tokens.CountSharedRebased(prompt));
            (most, nearest) = reusable > most ? (reusable, known) : (most, nearest);
        }

        if (nearest is not { } chosen)
        {
            return new TurnPlan(basis: null, 0, prompt, dialogue, settings, startedAt, EndsInThought(text));
        }

        prompt = chosen.State.Tokens.Rebase(segments, out int sharedTokens);
        (ConversationState? basis, int reusableTokens) = FindBasis(retained, prompt);
        bool sharesAll = sharedTokens == chosen.State.Tokens.Count && reusableTokens == chosen.State.CachedTokens;
        return new TurnPlan(basis, reusableTokens, prompt, dialogue, settings, startedAt, EndsInThought(text))
        {
            AnswerEnds = AnswerEnd.Shared(chosen.State, dialogue, sharedTokens),
            Continues = sharesAll ? Unnamed(chosen) : null,
        };
    }

    /// <summary>
    /// The retained state whose cache serves for most of <paramref name="prompt"/>, and for how many tokens. The last one is always read: its
    /// logits choose the first token of the answer.
    /// </summary>
    private static (ConversationState? Basis, int ReusableTokens) FindBasis(IReadOnlyList<(Conversation Conversation, ConversationState State)> retained, TokenLog prompt)
    {
        (ConversationState? Basis, int ReusableTokens) best = (null, 0);
        foreach ((_, ConversationState state) in retained)
        {
            int reusable = state.ReusableTokens(Math.Min(state.Tokens.CountShared(prompt), prompt.Count - 1));

            // Of two that serve alike, the one that need not come back from disk.
            if (reusable > best.ReusableTokens || (reusable == best.ReusableTokens && best.Basis is { IsResident: false } && state.IsResident))
            {
                best = (state, reusable);
            }
        }

        return best;
    }

    /// <summary>A caller who was given an id finds the conversation as that caller left it: others go on beside it.</summary>
    private static (Conversation Conversation, ConversationState State)? Unnamed((Conversation Conversation, ConversationState State) known) =>
        known.Conversation.IsNamed ? null : known;

    private static bool EndsInThought(string prompt) => prompt.AsSpan().TrimEnd().EndsWith(ThoughtTags.Open);
}
