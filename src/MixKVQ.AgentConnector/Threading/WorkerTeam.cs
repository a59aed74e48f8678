using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace MixKVQ.AgentConnector.Threading;

/// <summary>
/// A few threads that share the items of one small job after another, some hundred a decode step. Whoever is free takes the next item, so that a worker
/// which the system has put aside holds up no more than the item it has in hand, and one that sleeps holds up none: the caller does what nobody takes.
/// A worker looks out for the next job for <see cref="LookoutTime"/>, then sleeps. <see cref="Run"/> allocates nothing.
/// One caller at a time; not to be called from a job. Threads start with the first job that has items to share.
/// </summary>
/// <param name="size">Threads, the caller's included; at least 1.</param>
internal sealed class WorkerTeam(int size) : IDisposable
{
    /// <summary>Longer than what lies between two jobs of a step, far shorter than what libtorch's pool spins.</summary>
    private static readonly TimeSpan LookoutTime = TimeSpan.FromMicroseconds(50);

    /// <summary>A next item that no job has: the job is over, or not yet published.</summary>
    private const uint Closed = uint.MaxValue;

    // Monitor, not Lock: workers wait on it.
    private readonly object _gate = new();
    private ITeamJob? _job;
    private uint _itemCount;
    private ExceptionDispatchInfo? _failure;

    /// <summary>The job's number in the upper half, its next item in the lower: taking an item and seeing which job it is of are one exchange.</summary>
    private long _next = Closed;
    private int _unfinished;
    private int _sleepers;
    private bool _started;
    private volatile bool _disposed;

    /// <summary>Threads, the caller's included.</summary>
    public int Size { get; } = size >= 1 ? size : throw new ArgumentOutOfRangeException(nameof(size), size, "A team has at least one thread, the caller's.");

    /// <summary>Does all items, on this thread and on those that are free. If items throw, the others still run, and the first exception is thrown in the end.</summary>
    public void Run(ITeamJob job, int itemCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Size == 1 || itemCount <= 1)
        {
            for (int item = 0; item < itemCount; item++)
            {
                job.Execute(item, 0);
            }

            return;
        }

        Start();
        _job = job;
        _itemCount = (uint)itemCount;
        Volatile.Write(ref _unfinished, itemCount);
        Interlocked.Exchange(ref _next, (Interlocked.Read(ref _next) | Closed) + 1);
        if (Volatile.Read(ref _sleepers) > 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }

        while (TryExecute(0))
        {
        }

        SpinWait wait = default;
        while (Volatile.Read(ref _unfinished) > 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }

        // Closed before the next job is written, so that nobody takes an item of one job by the count of another.
        Interlocked.Or(ref _next, Closed);
        _job = null;
        if (Interlocked.Exchange(ref _failure, null) is ExceptionDispatchInfo failure)
        {
            failure.Throw();
        }
    }

    /// <summary>Ends the threads, without waiting for them.</summary>
    public void Dispose()
    {
        _disposed = true;
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Start()
    {
        if (_started)
        {
            return;
        }

        _started = true;
        for (int worker = 1; worker < Size; worker++)
        {
            int number = worker;
            new Thread(() => Work(number)) { Name = $"MixKVQ worker {number}", IsBackground = true }.Start();
        }
    }

    private void Work(int worker)
    {
        while (!_disposed)
        {
            long since = Stopwatch.GetTimestamp();
            while (TryExecute(worker))
            {
                since = Stopwatch.GetTimestamp();
            }

            while (!HasItems() && Stopwatch.GetElapsedTime(since) < LookoutTime)
            {
                // Some 40 ns each, see Thread.SpinWait: what a job waits for a worker at most.
                Thread.SpinWait(2);
            }

            if (!HasItems())
            {
                Sleep();
            }
        }
    }

    private void Sleep()
    {
        lock (_gate)
        {
            // Counted before looking once more: a job published after that look finds a sleeper to wake.
            Interlocked.Increment(ref _sleepers);
            while (!HasItems() && !_disposed)
            {
                Monitor.Wait(_gate);
            }

            Interlocked.Decrement(ref _sleepers);
        }
    }

    private bool HasItems() => (uint)Interlocked.Read(ref _next) < Volatile.Read(ref _itemCount);

    private bool TryExecute(int worker)
    {
        while (true)
        {
            long next = Interlocked.Read(ref _next);
            ITeamJob? job = Volatile.Read(ref _job);
            if ((uint)next >= Volatile.Read(ref _itemCount) || job is null)
            {
                return false;
            }

            // It succeeds only while the job is the one whose number was read, and then this is its job and its count.
            if (Interlocked.CompareExchange(ref _next, next + 1, next) != next)
            {
                continue;
            }

            try
            {
                job.Execute((int)(uint)next, worker);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            }

            Interlocked.Decrement(ref _unfinished);
            return true;
        }
    }
}
