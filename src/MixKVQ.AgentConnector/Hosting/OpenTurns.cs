namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Counts the turns that run, and refuses new ones once closed. Thread-safe.</summary>
internal sealed class OpenTurns
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private bool _isClosed;

    /// <summary>How many turns run.</summary>
    public int Count { get { lock (_gate) { return _count; } } }

    /// <summary>Whether new turns are refused.</summary>
    public bool IsClosed { get { lock (_gate) { return _isClosed; } } }

    /// <summary>Begins a turn, which <see cref="Leave"/> ends.</summary>
    /// <exception cref="InvalidOperationException">No new turns are taken.</exception>
    public void Enter()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                throw new InvalidOperationException("The chat client takes no new requests: the host that it belongs to is shutting down.");
            }

            _count++;
        }
    }

    /// <summary>Ends a turn.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _count--;
            CheckDrained();
        }
    }

    /// <summary>Refuses new turns from now on; ends with the last turn that runs.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            CheckDrained();
        }

        return _drained.Task;
    }

    private void CheckDrained()
    {
        if (_isClosed && _count == 0)
        {
            _drained.TrySetResult();
        }
    }
}
