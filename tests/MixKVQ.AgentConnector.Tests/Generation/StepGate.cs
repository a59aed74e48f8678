namespace MixKVQ.AgentConnector.Tests.Generation;

/// <summary>Holds the engine's thread inside a step until the test opens it.</summary>
internal sealed class StepGate : IDisposable
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _open = new();

    /// <summary>Ends when a step stands at the gate.</summary>
    public Task Reached() => _reached.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public void Pass()
    {
        _reached.TrySetResult();
        _open.Wait();
    }

    public void Open() => _open.Set();

    public void Dispose()
    {
        // A failed test must not leave the engine's thread waiting.
        _open.Set();
    }
}
