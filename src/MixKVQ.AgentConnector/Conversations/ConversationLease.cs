namespace MixKVQ.AgentConnector.Conversations;

/// <summary>The right to run a turn on a conversation, alone. Given back when disposed, once.</summary>
internal sealed class ConversationLease : IDisposable
{
    private ConversationStore? _store;

    private ConversationLease(ConversationStore store, Conversation conversation)
    {
        _store = store;
        Conversation = conversation;
    }

    /// <summary>The conversation.</summary>
    public Conversation Conversation { get; }

    /// <summary>Waits for the turn, in order.</summary>
    /// <exception cref="ArgumentException">There is no such conversation.</exception>
    public static async Task<ConversationLease> EnterAsync(ConversationStore store, string id, CancellationToken cancellationToken)
    {
        Conversation conversation = store.Use(id);
        try
        {
            await conversation.Turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            store.EndUse(conversation);
            throw;
        }

        var lease = new ConversationLease(store, conversation);
        try
        {
            // It may have been dropped by who had the turn before.
            store.RequireKnown(conversation);
            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_store is { } store)
        {
            _store = null;
            Conversation.Turn.Release();
            store.EndUse(Conversation);
        }
    }
}
