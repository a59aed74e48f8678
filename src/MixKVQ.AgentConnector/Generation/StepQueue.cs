using System.Diagnostics;
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
    private readonly List<IEngineStep> _waiting = [];
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

            _waiting.Add(step);
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
            while (!TryTakeFirst(out step) && !TryTakeBackground(out step))
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

    /// <summary>
    /// Takes the waiting generations whose next token <paramref name="batch"/> can read, from the first, until there are <paramref name="most"/> in the list.
    /// </summary>
    public void TakeCompanions(List<ActiveGeneration> generations, ISequenceBatch batch, int most)
    {
        lock (_gate)
        {
            for (int i = 0; i < _waiting.Count && generations.Count < most;)
            {
                if (_waiting[i] is ActiveGeneration generation && generation.Batch == batch)
                {
                    generations.Add(generation);
                    _waiting.RemoveAt(i);
                }
                else
                {
                    i++;
                }
            }
        }
    }

    /// <summary>Returns once as many steps wait, or none will, or the time is over.</summary>
    public void AwaitCount(int count, TimeSpan limit)
    {
        long start = Stopwatch.GetTimestamp();
        SpinWait wait = default;
        while (IsBelow(count) && Stopwatch.GetElapsedTime(start) < limit)
        {
            // Times here are far below a timer's tick.
            wait.SpinOnce(sleep1Threshold: -1);
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

    private bool IsBelow(int count)
    {
        lock (_gate)
        {
            return !_isClosed && _waiting.Count < Math.Min(count, _openGenerations);
        }
    }

    private bool TryTakeFirst([NotNullWhen(true)] out IEngineStep? step)
    {
        step = _waiting.Count > 0 ? _waiting[0] : null;
        if (step is not null)
        {
            _waiting.RemoveAt(0);
        }

        return step is not null;
    }

    private bool TryTakeBackground([NotNullWhen(true)] out IEngineStep? step)
    {
        step = _background.Count > 0 && (_openGenerations == 0 || _isClosed) ? _background[0] : null;
        return step is not null && _background.Remove(step);
    }
}
