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
    private const string ThoughtTag = "<think>";

    /// <summary>Plans a request that brings the whole dialogue.</summary>
    public TurnPlan PlanFull(IReadOnlyList<ChatTurn> turns, PromptSettings settings, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained = store.Snapshot();
        try
        {
            foreach ((Conversation Conversation, ConversationState State) known in retained
                .Where(known => known.State.Settings.Key == settings.Key && Continues(turns, known.State.Turns))
                .OrderByDescending(known => known.State.Turns.Count))
            {
                if (PlanContinuation(known, [.. turns.Skip(known.State.Turns.Count)], cancellationToken) is { } plan)
                {
                    return plan;
                }
            }

            return PlanRendered(retained, turns, settings, clock.GetLocalNow(), cancellationToken);
        }
        finally
        {
            Release(retained);
        }
    }

    /// <summary>Plans a request that brings the new turns only. The caller holds the conversation's turn.</summary>
    public TurnPlan PlanDelta(Conversation conversation, IReadOnlyList<ChatTurn> newTurns, PromptSettings settings, CancellationToken cancellationToken)
    {
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained = store.Snapshot();
        try
        {
            (Conversation Conversation, ConversationState State) known = retained.Single(known => known.Conversation == conversation);
            settings = settings.After(known.State.Settings);
            TurnPlan? plan = known.State.Settings.Key == settings.Key ? PlanContinuation(known, newTurns, cancellationToken) : null;
            plan ??= PlanRendered(retained, [.. known.State.Turns, .. newTurns], settings, known.State.StartedAt, cancellationToken);
            plan.Continues = known;
            return plan;
        }
        finally
        {
            Release(retained);
        }
    }

    private static bool Continues(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTurn> known) =>
        turns.Count > known.Count && known.Zip(turns).All(pair => pair.First.SaysTheSameAs(pair.Second));

    private static void Release(IEnumerable<(Conversation Conversation, ConversationState State)> retained)
    {
        foreach ((_, ConversationState state) in retained)
        {
            state.Release();
        }
    }

    /// <summary>The plan that adds <paramref name="newTurns"/> to what the model has seen; null where that cannot be.</summary>
    private TurnPlan? PlanContinuation((Conversation Conversation, ConversationState State) known, IReadOnlyList<ChatTurn> newTurns, CancellationToken cancellationToken)
    {
        ConversationState state = known.State;
        bool inToolLoop = newTurns.All(turn => turn.Role == TurnRole.Tool);
        if ((!keepThoughts && !inToolLoop && state.Turns.Any(turn => turn.Reasoning.Length > 0))
            || renderer.RenderContinuation(state.Turns, newTurns, state.Settings, state.StartedAt, cancellationToken) is not { } text)
        {
            return null;
        }

        TokenLog prompt = state.Tokens.Clone();
        prompt.Append(model.Tokenizer.EncodePrompt(text, continuesText: prompt.EndsInText));
        return new TurnPlan(state.Fork(), prompt, [.. state.Turns, .. newTurns], state.Settings, state.StartedAt, EndsInThought(text)) { Continues = Unnamed(known) };
    }

    /// <summary>The plan of a prompt rendered whole, on a fork of the sequence that shares most of it.</summary>
    private TurnPlan PlanRendered(
        IReadOnlyList<(Conversation Conversation, ConversationState State)> retained,
        IReadOnlyList<ChatTurn> turns,
        PromptSettings settings,
        DateTimeOffset startedAt,
        CancellationToken cancellationToken)
    {
        string text = renderer.RenderAll(turns, settings, startedAt, cancellationToken);
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
            return new TurnPlan(model.CreateSequence(), prompt, turns, settings, startedAt, startsInThought);
        }

        IConversationSequence sequence = chosen.State.Fork();
        if (reusableTokens < sequence.TokenCount)
        {
            sequence.TruncateToPageBorder(reusableTokens);
        }

        return new TurnPlan(sequence, prompt, turns, settings, startedAt, startsInThought) { Continues = sharesAll ? Unnamed(chosen) : null };
    }

    /// <summary>A caller who was given an id finds the conversation as that caller left it: others go on beside it.</summary>
    private static (Conversation Conversation, ConversationState State)? Unnamed((Conversation Conversation, ConversationState State) known) =>
        known.Conversation.IsNamed ? null : known;

    private static bool EndsInThought(string prompt) => prompt.AsSpan().TrimEnd().EndsWith(ThoughtTag);
}
