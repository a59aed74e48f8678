using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Tests.Cache;

public sealed class SharePartsTests
{
    [Fact]
    public void EqualPagesAndSinks_AreHeldOnce()
    {
        using var cases = new SmallCache(450);
        long held = cases.Factory.HeldBytes;
        using KvCache twin = cases.Another(430);
        long own = twin.OwnBytes;
        twin.ShareParts(cases.Cache, 430);
        CacheUsage usage = twin.Usage;
        Assert.Equal(own - usage.Pages.TotalBytes - usage.SinkBytes, twin.OwnBytes);
        Assert.Equal(held + usage.TailBytes + usage.StatisticsBytes, cases.Factory.HeldBytes);
        Assert.Equal(twin.Parts.SkipLast(1), cases.Cache.Parts.SkipLast(1));
        using KvCache alone = cases.Another(600);
        cases.Driver.Feed(twin, 600);
        CacheContent.AssertSame(alone, twin, 2);
    }

    [Fact]
    public void OnlyPagesOfTheCommonTokens_AreTaken()
    {
        using var cases = new SmallCache(450);
        using KvCache twin = cases.Another(430);
        twin.ShareParts(cases.Cache, 287);
        Assert.Equal([true, true, false, false, false], twin.Parts.Zip(cases.Cache.Parts, (a, b) => a.Identity == b.Identity));
    }

    [Fact]
    public void FewerTokensThanTheSinks_ShareNothing()
    {
        using var cases = new SmallCache(20);
        using KvCache twin = cases.Another(20);
        long own = twin.OwnBytes;
        twin.ShareParts(cases.Cache, 20);
        Assert.Equal(own, twin.OwnBytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => twin.ShareParts(cases.Cache, 21));
    }

    [Fact]
    public void APageThatDiffers_StaysAndLaterOnesAreTaken()
    {
        using var cases = new SmallCache(450);
        using var other = new CacheDriver(cases.Driver.Geometry, 600, seed: 9);
        using KvCache mixed = cases.Another(160);
        other.Feed(mixed, 288);
        cases.Driver.Feed(mixed, 450);
        mixed.ShareParts(cases.Cache, 450);
        Assert.Equal([true, true, false, true, false], mixed.Parts.Zip(cases.Cache.Parts, (a, b) => a.Identity == b.Identity));
        long page = cases.Factory.PageBytes!.Value;
        Assert.Equal(page + mixed.Usage.TailBytes + mixed.Usage.StatisticsBytes, mixed.OwnBytes);
        mixed.TruncateToPageBorder(300);
        Assert.Equal(page + mixed.Usage.TailBytes + mixed.Usage.StatisticsBytes, mixed.OwnBytes);
        mixed.TruncateToPageBorder(200);
        Assert.Equal(mixed.Usage.TailBytes + mixed.Usage.StatisticsBytes, mixed.OwnBytes);
    }

    [Fact]
    public void SinksThatDiffer_Stay()
    {
        using var cases = new SmallCache(100);
        using var other = new CacheDriver(cases.Driver.Geometry, 600, seed: 9);
        using KvCache mixed = cases.Factory.Create();
        other.Feed(mixed, 100);
        mixed.ShareParts(cases.Cache, 100);
        Assert.NotSame(cases.Cache.Parts[0].Identity, mixed.Parts[0].Identity);
    }

    [Fact]
    public void SharedSinks_AreLeftAloneByTheHolderThatBeginsAnew()
    {
        using var cases = new SmallCache(100);
        using KvCache twin = cases.Another(100);
        twin.ShareParts(cases.Cache, 100);
        twin.TruncateToPageBorder(0);
        using var other = new CacheDriver(cases.Driver.Geometry, 600, seed: 9);
        other.Feed(twin, 50);
        using KvCache alone = cases.Another(100);
        CacheContent.AssertSame(alone, cases.Cache, 2);
    }
}
