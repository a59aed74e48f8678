using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>The most bytes that all caches of a model held together at any step. Thread-safe.</summary>
/// <param name="caches">The caches.</param>
internal sealed class PeakBytes(KvCacheFactory caches)
{
    private long _peak;

    /// <summary>The most so far.</summary>
    public long Value => Interlocked.Read(ref _peak);

    /// <summary>Looks again.</summary>
    public void Sample()
    {
        long held = caches.HeldBytes;
        for (long peak = Value; held > peak; peak = Value)
        {
            Interlocked.CompareExchange(ref _peak, held, peak);
        }
    }
}
