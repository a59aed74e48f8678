using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Counts, from a client's log, how often caches left memory and came back. Thread-safe.</summary>
internal sealed class CacheLog : ILoggerFactory, ILogger
{
    private const int EvictedEvent = 20;
    private const int RestoredEvent = 21;

    private readonly ConcurrentBag<double> _restores = [];
    private int _evictions;

    /// <summary>How often a cache left memory.</summary>
    public int Evictions => _evictions;

    /// <summary>How long each return from disk took, in milliseconds.</summary>
    public IReadOnlyCollection<double> RestoreMilliseconds => _restores;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Warning)
        {
            Console.Error.WriteLine(formatter(state, exception));
        }

        if (eventId.Id == EvictedEvent)
        {
            Interlocked.Increment(ref _evictions);
        }
        else if (eventId.Id == RestoredEvent)
        {
            _restores.Add((double)((IReadOnlyList<KeyValuePair<string, object?>>)state!).Single(field => field.Key == "Milliseconds").Value!);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
