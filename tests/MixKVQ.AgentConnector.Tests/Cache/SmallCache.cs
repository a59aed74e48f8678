using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Tests.Cache;

/// <summary>A cache of a small model, fed with random tokens. Its end checks that no page is left.</summary>
internal sealed class SmallCache : IDisposable
{
    public SmallCache(int tokens, KvCachePolicy policy = KvCachePolicy.MixKvq)
    {
        Driver = new CacheDriver(CacheDriver.SmallGeometry(), 600);
        Factory = new KvCacheFactory(Driver.Geometry, new KvCacheOptions { Policy = policy, TargetBits = 3 });
        Cache = Factory.Create();
        Driver.Feed(Cache, tokens);
    }

    public CacheDriver Driver { get; }

    public KvCacheFactory Factory { get; }

    public KvCache Cache { get; }

    /// <summary>A further cache of the same factory, fed with the same tokens; the caller's.</summary>
    public KvCache Another(int tokens)
    {
        KvCache cache = Factory.Create();
        Driver.Feed(cache, tokens);
        return cache;
    }

    public void Dispose()
    {
        Cache.Dispose();
        Driver.Dispose();
        Factory.Pool.CheckIntegrity();
        Factory.Dispose();
    }
}
