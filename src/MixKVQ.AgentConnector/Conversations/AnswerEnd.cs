namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Where an answer of the model ends in a dialogue: a place from which the dialogue can go another way.</summary>
/// <param name="TurnCount">The dialogue's turns up to the answer, this among them, and those that the prompt leaves out too.</param>
/// <param name="TokenCount">The tokens of all these turns but those that are left out.</param>
internal readonly record struct AnswerEnd(int TurnCount, int TokenCount)
{
    /// <summary>The ends of <paramref name="state"/> that are at the same tokens and turns of <paramref name="dialogue"/> too.</summary>
    /// <param name="state">A state whose prompt may begin like the other's.</param>
    /// <param name="dialogue">The other dialogue.</param>
    /// <param name="sharedTokens">How many tokens both begin with.</param>
    public static IReadOnlyList<AnswerEnd> Shared(ConversationState state, Dialogue dialogue, int sharedTokens)
    {
        int dropped = state.Dialogue.DroppedCount;
        int sharedTurns = state.Dialogue.Kept.CountSame(dialogue.Kept);
        return [.. state.AnswerEnds
            .TakeWhile(end => end.TokenCount <= sharedTokens && end.TurnCount - dropped <= sharedTurns)
            .Select(end => end with { TurnCount = end.TurnCount - dropped + dialogue.DroppedCount })];
    }
}
