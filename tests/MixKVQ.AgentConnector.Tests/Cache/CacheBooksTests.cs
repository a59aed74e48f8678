using CsCheck;
using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Tests.Cache;

/// <summary>What caches say they hold, after any run of appends, forks, truncations, exchanges and disposals.</summary>
public sealed class CacheBooksTests
{
    private static readonly KvCachePolicy[] Policies = [KvCachePolicy.MixKvq, KvCachePolicy.MixKvqThresholds, KvCachePolicy.FullPrecision];

    [Fact]
    public void BooksAgree_AfterAnyRunOfSteps() =>
        Gen.Select(Gen.Int[0, Policies.Length - 1], Gen.Select(Gen.Int[0, 6], Gen.Int[0, 100], Gen.Int[0, 400]).Array[1, 25]).Sample(
            (policy, steps) =>
            {
                CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1, keyValueHeads: 1, headDim: 16);
                using var driver = new CacheDriver(geometry, 500);
                using var factory = new KvCacheFactory(geometry, new KvCacheOptions { Policy = Policies[policy], TargetBits = 5 });
                List<Entry> caches = [new(factory.Create(), 0)];
                foreach ((int kind, int which, int tokens) in steps)
                {
                    Take(kind, caches, which, tokens, driver, factory);
                    RequireAgreement(caches, factory);
                }

                caches.ForEach(entry => entry.Cache.Dispose());
                Assert.All(caches, entry => Assert.Equal(0, entry.Cache.OwnBytes));
                Assert.Equal(0, factory.HeldBytes);
                factory.Pool.CheckIntegrity();
            },
            iter: 60,
            threads: 1);

    private static void Take(int kind, List<Entry> caches, int which, int tokens, CacheDriver driver, KvCacheFactory factory)
    {
        Entry entry = caches[which % caches.Count];
        KvCache cache = entry.Cache;
        switch (kind)
        {
            case 0 or 1:
                driver.Feed(cache, Math.Min(500, cache.TokenCount + tokens));
                break;
            case 2:
                caches.Add(new Entry(cache.Fork(), cache.TokenCount));
                break;
            case 3:
                entry.Shared = Math.Min(entry.Shared, cache.TruncateToPageBorder(tokens));
                break;
            case 4:
                KvCache other = caches[tokens % caches.Count].Cache;
                long before = cache.OwnBytes;
                cache.ShareParts(other, Math.Min(cache.TokenCount, other.TokenCount));
                Assert.True(cache.OwnBytes <= before);
                break;
            case 5:
                caches.Add(new Entry(factory.Import(cache.Export()), 0));
                break;
            default:
                cache.Dispose();
                caches.Remove(entry);
                caches.Add(new Entry(factory.Create(), 0));
                break;
        }
    }

    private static void RequireAgreement(List<Entry> caches, KvCacheFactory factory)
    {
        Assert.Equal(caches.SelectMany(entry => entry.Cache.Parts).DistinctBy(part => part.Identity, ReferenceEqualityComparer.Instance).Sum(part => part.Bytes), factory.HeldBytes);
        Assert.All(caches, entry =>
        {
            Assert.True(entry.Cache.OwnBytes <= factory.BytesToHold(entry.Shared, entry.Cache.TokenCount));
            Assert.True(entry.Cache.OwnBytes <= entry.Cache.Parts.Sum(part => part.Bytes));
            Assert.Equal(entry.Cache.Usage.TotalBytes, entry.Cache.Parts.Sum(part => part.Bytes));
        });
    }

    /// <param name="cache">A cache.</param>
    /// <param name="shared">Tokens that it took over from another and has kept ever since.</param>
    private sealed class Entry(KvCache cache, int shared)
    {
        public KvCache Cache => cache;

        public int Shared { get; set; } = shared;
    }
}
