using System.Diagnostics.CodeAnalysis;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>
/// The generations that want a step, first come first served: as each wants one step at a time, they advance in turn. Thread-safe.
/// </summary>
internal sealed class StepQueue
{
    // Monitor, not Lock: the engine's thread waits on it.
    private readonly object _gate = new();
    private readonly Queue<ActiveGeneration> _waiting = new();
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

    /// <summary>False, with nothing added, once the queue is closed.</summary>
    public bool TryAdd(ActiveGeneration generation)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _waiting.Enqueue(generation);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Waits for a generation; false once the queue is closed and empty.</summary>
    public bool TryTake([NotNullWhen(true)] out ActiveGeneration? generation)
    {
        lock (_gate)
        {
            while (!_waiting.TryDequeue(out generation))
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
}
