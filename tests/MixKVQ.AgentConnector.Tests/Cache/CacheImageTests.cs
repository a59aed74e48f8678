using CsCheck;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache;

public sealed class CacheImageTests
{
    private static readonly KvCachePolicy[] Policies = Enum.GetValues<KvCachePolicy>();

    private static readonly int[] Borders = [0, 31, 32, 33, 159, 160, 161, 288];

    private static readonly ScalarType[] Types = [ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16];

    [Fact]
    public void AnImportedCache_GoesOnAsTheOneItWasMadeOf() =>
        Gen.Select(Gen.Int[0, Policies.Length - 1], Gen.Int[0, 2], Gen.Bool, Gen.Frequency((3, Gen.Int[0, 600]), (1, Gen.Int[0, Borders.Length - 1].Select(i => Borders[i]))), Gen.Int[1, 200], Gen.Int[1, 1000]).Sample(
            (policy, type, groupsValues, tokens, more, seed) =>
            {
                CacheGeometry geometry = CacheDriver.SmallGeometry(dtype: Types[type]);
                KvCacheOptions options = new() { Policy = Policies[policy], TargetBits = 4, ValueGroupSize = groupsValues ? 16 : null };
                using var driver = new CacheDriver(geometry, tokens + more, seed);
                using var factory = new KvCacheFactory(geometry, options);
                using var other = new KvCacheFactory(geometry, options);
                using KvCache cache = factory.Create();
                driver.Feed(cache, tokens, 37);
                using CacheImage image = cache.Export();
                using KvCache imported = other.Import(CacheContent.WrittenAndRead(image, other));
                CacheContent.AssertSame(cache, imported, geometry.LayerCount);
                Assert.Equal(cache.Usage, imported.Usage);
                driver.Feed(cache, tokens + more, 53);
                driver.Feed(imported, tokens + more);
                CacheContent.AssertSame(cache, imported, geometry.LayerCount);
            },
            iter: 60,
            threads: 1);

    [Fact]
    public void AnImage_KeepsItsPagesAfterTheCacheIsGone()
    {
        using var cases = new SmallCache(300);
        CacheImage image = cases.Cache.Export();
        byte[][] pages = CacheContent.Pages(image);
        cases.Cache.Dispose();
        Assert.Equal(pages, CacheContent.Pages(image));
        image.Dispose();
        Assert.Equal(0, cases.Factory.Pool.LivePageCount);
        Assert.Throws<ObjectDisposedException>(() => image.Pages);
    }

    [Fact]
    public void WritingReadingAndSharing_LeaveNoTensor()
    {
        using var scope = NewDisposeScope();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var cases = new SmallCache(300))
        {
            using CacheImage image = cases.Cache.Export();
            using KvCache copy = cases.Factory.Import(CacheContent.WrittenAndRead(image, cases.Factory));
            copy.ShareParts(cases.Cache, 300);
            Assert.Throws<InvalidDataException>(() => cases.Factory.Import(new CacheImage(300, image.Sinks, image.Open, [])));
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void AnImageOfAStepUnderWay_IsRefused()
    {
        using var cases = new SmallCache(40);
        cases.Driver.Append(cases.Cache, 1);
        Assert.Throws<InvalidOperationException>(cases.Cache.Export);
    }

    [Fact]
    public void AnImportedCache_OwnsWhatNoOtherHolds()
    {
        using var cases = new SmallCache(300);
        using CacheImage image = cases.Cache.Export();
        using (KvCache copy = cases.Factory.Import(CacheContent.WrittenAndRead(image, cases.Factory)))
        {
            Assert.Equal(cases.Cache.OwnBytes, copy.OwnBytes);
        }

        using KvCache sharing = cases.Factory.Import(cases.Cache.Export());
        Assert.Equal(cases.Cache.OwnBytes - cases.Cache.Usage.Pages.TotalBytes, sharing.OwnBytes);
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "a page less", "300 tokens has 1 pages, but 2 belong" },
        { "a page more", "300 tokens has 3 pages, but 2 belong" },
        { "a token less", "open part" },
        { "other tokens", "31 tokens has 2 pages, but 0 belong" },
        { "a negative count", "-1 tokens has 2 pages" },
        { "sinks cut", "sinks" },
        { "sinks gone", "sinks" },
        { "open cut", "open part" },
        { "open grown", "open part" },
        { "a sink not finite", "first tokens of a saved cache hold a key or value that is NaN or infinite" },
        { "a tail row not finite", "last tokens of a saved cache hold a key or value that is NaN or infinite" },
        { "a sum not finite", "query statistics" },
        { "a negative sum", "query statistics" },
        { "another count", "query statistics" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void ADamagedImage_IsRefusedByNameAndGivesItsPagesBack(string damage, string expected)
    {
        using var cases = new SmallCache(300);
        using CacheImage image = cases.Cache.Export();
        (int tokens, byte[] sinks, byte[] open) = (image.TokenCount, image.Sinks.ToArray(), image.Open.ToArray());
        List<Page> pages = [.. image.Pages.Select(page => page.AddReference())];
        int countsBytes = 2 * sizeof(int) * cases.Driver.Geometry.LayerCount;
        long held = cases.Factory.HeldBytes;
        switch (damage)
        {
            case "a page less":
                pages[1].Release();
                pages.RemoveAt(1);
                break;
            case "a page more":
                pages.Add(pages[0].AddReference());
                break;
            case "a token less":
                tokens--;
                break;
            case "other tokens":
                tokens = 31;
                break;
            case "a negative count":
                tokens = -1;
                break;
            case "sinks cut":
                sinks = sinks[..^4];
                break;
            case "sinks gone":
                sinks = [];
                break;
            case "open cut":
                open = open[..^8];
                break;
            case "open grown":
                open = [.. open, 0];
                break;
            case "a sink not finite":
                BitConverter.TryWriteBytes(sinks.AsSpan(400), float.NaN);
                break;
            case "a tail row not finite":
                BitConverter.TryWriteBytes(open.AsSpan(400), float.NegativeInfinity);
                break;
            case "a sum not finite":
                BitConverter.TryWriteBytes(open.AsSpan(open.Length - countsBytes - 8), double.NaN);
                break;
            case "a negative sum":
                BitConverter.TryWriteBytes(open.AsSpan(open.Length - countsBytes - 80), -1.0);
                break;
            default:
                BitConverter.TryWriteBytes(open.AsSpan(open.Length - countsBytes), 11);
                break;
        }

        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => cases.Factory.Import(new CacheImage(tokens, sinks, open, pages)));
        Assert.Contains(expected, fault.Message);
        Assert.Equal(held, cases.Factory.HeldBytes);
        Assert.All(image.Pages, page => Assert.Equal(2, page.ReferenceCount));
    }
}
