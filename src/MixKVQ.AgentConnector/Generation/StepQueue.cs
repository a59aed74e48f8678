using System.Diagnostics.CodeAnalysis;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// What wants a step, first come first served: as each wants one step at a time, generations advance in turn. Background steps are
/// taken only while no generation is open. Thread-safe.
/// </summary>
internal sealed class StepQueue
{
    // Monitor, not Lock: the engine's thread waits on it.
    private readonly object _gate = new();
    private readonly Queue<IEngineStep> _waiting = new();
    private readonly List<IEngineStep> _background = [];
    private int _openGenerations;
    private bool _isClosed;

    /// <summary>Whether <see cref="Close"/> was called.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _isClosed;
            }
        }
    }

    /// <summary>A generation begins: from now on it may want a step at any moment.</summary>
    public void BeginGeneration()
    {
        lock (_gate)
        {
            _openGenerations++;
        }
    }

    /// <summary>Ends what <see cref="BeginGeneration"/> began.</summary>
    public void EndGeneration()
    {
        lock (_gate)
        {
            _openGenerations--;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>False, with nothing added, once the queue is closed.</summary>
    public bool TryAdd(IEngineStep step)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _waiting.Enqueue(step);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Adds a step that waits until no generation is open. False, with nothing added, once the queue is closed.</summary>
    public bool TryAddBackground(IEngineStep step)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _background.Add(step);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Takes a background step back. False where it was taken already, or never added.</summary>
    public bool TryWithdraw(IEngineStep step)
    {
        lock (_gate)
        {
            return _background.Remove(step);
        }
    }

    /// <summary>Waits for a step; false once the queue is closed and empty.</summary>
    public bool TryTake([NotNullWhen(true)] out IEngineStep? step)
    {
        lock (_gate)
        {
            while (!_waiting.TryDequeue(out step) && !TryTakeBackground(out step))
            {
                if (_isClosed)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            return true;
        }
    }

    /// <summary>Lets nothing more in; what waits can still be taken.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private bool TryTakeBackground([NotNullWhen(true)] out IEngineStep? step)
    {
        step = _background.Count > 0 && (_openGenerations == 0 || _isClosed) ? _background[0] : null;
        return step is not null && _background.Remove(step);
    }
}
