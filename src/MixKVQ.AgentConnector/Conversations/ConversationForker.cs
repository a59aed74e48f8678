using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Forks conversations.</summary>
/// <param name="keeper">Keeps them.</param>
/// <param name="clock">Tells when the fork begins.</param>
internal sealed class ConversationForker(ConversationKeeper keeper, TimeProvider clock)
{
    /// <summary>A conversation that begins as another one does.</summary>
    /// <param name="id">The other.</param>
    /// <param name="turnCount">How many of its turns the fork has; null for all.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<Conversation> ForkAsync(string id, int? turnCount, CancellationToken cancellationToken)
    {
        using ConversationLease lease = await ConversationLease.EnterAsync(keeper.Store, id, cancellationToken).ConfigureAwait(false);
        ConversationState state = lease.Conversation.State;
        int count = turnCount ?? state.Dialogue.Turns.Count;
        if (count < 1 || count > state.Dialogue.Turns.Count)
        {
            throw new ArgumentOutOfRangeException(nameof(turnCount), turnCount, $"Conversation '{id}' has {state.Dialogue.Turns.Count} messages; a fork has at least one of them, and no more.");
        }

        // Lent by the lease: no turn replaces the state meanwhile.
        using MemoryClaim? memory = state.CachedTokens > 0 ? await keeper.HoldAsync(state, cancellationToken).ConfigureAwait(false) : null;
        ConversationState forked = count == state.Dialogue.Turns.Count ? Share(state) : Cut(state, count);
        keeper.Events.Forked();
        return await keeper.AddAsync(new Conversation(ConversationStore.NewId(), isNamed: true, forked, clock.GetUtcNow())).ConfigureAwait(false);
    }

    private static ConversationState Share(ConversationState state)
    {
        state.Retain();
        return state;
    }

    private static ConversationState Cut(ConversationState state, int turnCount)
    {
        AnswerEnd end = state.AnswerEnds.FirstOrDefault(end => end.TurnCount == turnCount);
        if (end.TokenCount == 0 || !state.IsResident || state.Tokens.Prefix(end.TokenCount) is not { } tokens)
        {
            // Where the turn ends among the tokens is not known: the next turn is compared with what is retained.
            return new ConversationState(0, state.Usage, new TokenLog(), new Dialogue([.. state.Dialogue.Turns.Take(turnCount)]), state.Settings, state.StartedAt);
        }

        IConversationSequence sequence = state.Fork();
        if (end.TokenCount < sequence.TokenCount)
        {
            sequence.TruncateToPageBorder(end.TokenCount);
        }

        return new ConversationState(sequence, tokens, state.Dialogue.UpTo(turnCount), state.Settings, state.StartedAt)
        {
            AnswerEnds = [.. state.AnswerEnds.Where(known => known.TurnCount <= turnCount)],
        };
    }
}
