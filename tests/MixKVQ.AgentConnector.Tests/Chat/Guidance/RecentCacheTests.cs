using MixKVQ.AgentConnector.Chat.Guidance;

namespace MixKVQ.AgentConnector.Tests.Chat.Guidance;

public sealed class RecentCacheTests
{
    [Fact]
    public void Cache_KeepsTheLastUsedAndForgetsFailures()
    {
        var cache = new RecentCache<object>(2);
        int made = 0;
        object Get(string key) => cache.GetOrAdd(key, () =>
        {
            made++;
            return new object();
        });

        object first = Get("a");
        Get("b");
        Assert.Same(first, Get("a"));
        Get("c");
        Assert.Same(first, Get("a"));
        Get("b");
        Assert.Equal(4, made);
        Assert.Throws<NotSupportedException>(() => cache.GetOrAdd("bad", () => throw new NotSupportedException()));
        Assert.Same(first, cache.GetOrAdd("bad", () => first));
    }
}
