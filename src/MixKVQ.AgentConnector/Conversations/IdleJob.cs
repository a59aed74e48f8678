namespace MixKVQ.AgentConnector.Conversations;

/// <summary>An answer that is to be read again without its thoughts.</summary>
/// <param name="conversation">The conversation that the answer is in.</param>
/// <param name="state">How it stood after the answer; not retained.</param>
internal sealed class IdleJob(Conversation conversation, ConversationState state) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <summary>The conversation.</summary>
    public Conversation Conversation { get; } = conversation;

    /// <summary>How it stood.</summary>
    public ConversationState State { get; } = state;

    /// <summary>Says when to stop.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Ends with the job; never fails.</summary>
    public Task Completion { get; set; } = Task.CompletedTask;

    /// <summary>Tells the job to stop. Not once it is disposed.</summary>
    public void Stop() => _stop.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();
}
