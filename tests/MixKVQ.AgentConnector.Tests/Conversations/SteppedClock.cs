namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>A clock that is set by hand and calls its timers as it passes their times.</summary>
internal sealed class SteppedClock : TimeProvider
{
    private readonly List<(TimerCallback Callback, object? State)> _timers = [];
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _now;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _timers.Add((callback, state));
        return new NoTimer();
    }

    /// <summary>Lets time pass, for timers too.</summary>
    public void Advance(TimeSpan time)
    {
        _now += time;
        _timers.ForEach(timer => timer.Callback(timer.State));
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
