using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Writes conversations to files of the caller's and reads them.</summary>
/// <param name="keeper">Keeps conversations.</param>
/// <param name="clock">Tells when one is loaded.</param>
internal sealed class ConversationTransfer(ConversationKeeper keeper, TimeProvider clock)
{
    /// <summary>Writes a conversation.</summary>
    public async Task SaveAsync(string id, string path, CancellationToken cancellationToken)
    {
        using ConversationLease lease = await ConversationLease.EnterAsync(keeper.Store, id, cancellationToken).ConfigureAwait(false);
        ConversationState state = lease.Conversation.State;
        using MemoryClaim? memory = state.CachedTokens > 0 ? await keeper.HoldAsync(state, cancellationToken).ConfigureAwait(false) : null;
        using CacheImage image = state.Export();
        await Task.Run(() => ConversationFileWriter.Write(path, ConversationRecords.Of(lease.Conversation, state, keeper.Sequences.Signature), image), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a conversation.</summary>
    public async Task<Conversation> LoadAsync(string path, CancellationToken cancellationToken)
    {
        using ConversationFile file = await Task.Run(() => ConversationFile.Open(path, keeper.Sequences.Signature, keeper.VocabularySize), cancellationToken).ConfigureAwait(false);
        int tokens = file.Conversation.CachedTokens;
        using MemoryClaim memory = await keeper.Store.Budget.EnterAsync(basis: null, 0, tokens, tokens, cancellationToken).ConfigureAwait(false);
        IConversationSequence sequence = await Task.Run(() => file.Import(keeper.Sequences, file.ReadCache(keeper.Sequences)), cancellationToken).ConfigureAwait(false);
        memory.Sequence = sequence;
        return await keeper.AddAsync(new Conversation(ConversationStore.NewId(), isNamed: true, ConversationRecords.ToState(file.Conversation, sequence), clock.GetUtcNow())).ConfigureAwait(false);
    }
}
