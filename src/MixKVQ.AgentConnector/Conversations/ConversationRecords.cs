using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Conversations as they are written, and back.</summary>
internal static class ConversationRecords
{
    /// <summary>What is written of a conversation that stands at <paramref name="state"/>, beside the bytes of its cache.</summary>
    public static SavedConversation Of(Conversation conversation, ConversationState state, ModelSignature signature) => new()
    {
        Id = conversation.Id,
        IsNamed = conversation.IsNamed,
        CreatedAt = conversation.CreatedAt,
        LastUsedAt = conversation.LastUsedAt,
        StartedAt = state.StartedAt,
        Signature = signature,
        Tokens = state.Tokens,
        Dialogue = state.Dialogue,
        Settings = state.Settings,
        CachedTokens = state.CachedTokens,
        Usage = state.Usage,
        AnswerEnds = [.. state.AnswerEnds.Select(end => (end.TurnCount, end.TokenCount))],
    };

    /// <summary>The state that was written, with its cache, which it takes over.</summary>
    public static ConversationState ToState(SavedConversation saved, IConversationSequence sequence) =>
        new(sequence, saved.Tokens, saved.Dialogue, saved.Settings, saved.StartedAt) { AnswerEnds = AnswerEnds(saved) };

    /// <summary>The conversation that was written to the folder, whose file has the cache.</summary>
    public static Conversation ToConversation(SavedConversation saved)
    {
        var state = new ConversationState(saved.CachedTokens, saved.Usage, saved.Tokens, saved.Dialogue, saved.Settings, saved.StartedAt) { AnswerEnds = AnswerEnds(saved) };
        state.AddFile(saved.Id);
        return new Conversation(saved.Id, saved.IsNamed, state, saved.CreatedAt) { LastUsedAt = saved.LastUsedAt };
    }

    private static IReadOnlyList<AnswerEnd> AnswerEnds(SavedConversation saved) => [.. saved.AnswerEnds.Select(end => new AnswerEnd(end.Turns, end.Tokens))];
}
