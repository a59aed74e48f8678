namespace MixKVQ.AgentConnector.Generation;

/// <summary>Reads one chunk of tokens in the background.</summary>
/// <param name="sequence">Lent until <see cref="Completion"/> has ended.</param>
/// <param name="tokens">1 to <see cref="IModelSequence.TokensToPageBorder"/> ids.</param>
internal sealed class PrefillStep(IModelSequence sequence, ReadOnlyMemory<int> tokens) : IEngineStep
{
    // Continuations must not run on the engine's thread.
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the tokens are read, or never will be.</summary>
    public Task Completion => _completion.Task;

    /// <inheritdoc/>
    public bool Advance()
    {
        sequence.Append(tokens, []);
        _completion.SetResult();
        return true;
    }

    /// <inheritdoc/>
    public void Fail(Exception exception) => _completion.SetException(exception);
}
