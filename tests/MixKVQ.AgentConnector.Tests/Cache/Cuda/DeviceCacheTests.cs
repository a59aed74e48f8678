using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache.Cuda;

public sealed class DeviceCacheTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(53)]
    public void Content_DependsOnTheTokensNotOnTheSteps(int stepTokens)
    {
        using var caches = new DeviceCache();
        using KvCache whole = caches.Fed(300);
        using KvCache pieces = caches.Fed(300, stepTokens);
        DeviceCache.AssertSame(whole, pieces);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(300)]
    public void AFork_GoesOnLikeItsOriginAndSharesItsPages(int tokens)
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(tokens);
        long live = caches.Factory.Pool.LiveBytes;
        using KvCache fork = cache.Fork();
        Assert.Equal(live, caches.Factory.Pool.LiveBytes);
        caches.Driver.Feed(fork, 430);
        Assert.Equal(tokens, cache.TokenCount);
        caches.Driver.Feed(cache, 430);
        DeviceCache.AssertSame(cache, fork);
    }

    [Theory]
    [InlineData(420, 300, 288)]
    [InlineData(300, 20, 0)]
    public void ATruncatedCache_GoesOnAsIfNothingHadBeen(int tokens, int kept, int expected)
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(tokens);
        Assert.Equal(expected, cache.TruncateToPageBorder(kept));
        caches.Driver.Feed(cache, 330);
        using KvCache fresh = caches.Fed(330);
        Assert.Equal(fresh.TokenCount, cache.TokenCount);
        DeviceCache.AssertSame(fresh, cache);
    }

    [Fact]
    public void AStepOfKernelsThatIsAbandoned_LeavesThePageBorder()
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(190);
        cache.BeginDeviceStep(4, 0);
        Assert.Equal(160, cache.AbandonStep(194));
        caches.Driver.Feed(cache, 330);
        using KvCache fresh = caches.Fed(330);
        DeviceCache.AssertSame(fresh, cache);
    }

    [Theory]
    [InlineData(KvCachePolicy.MixKvq)]
    [InlineData(KvCachePolicy.MixKvqThresholds)]
    [InlineData(KvCachePolicy.FullPrecision)]
    public void ACache_MovesBetweenHostAndDeviceByItsImage(KvCachePolicy policy)
    {
        using var caches = new DeviceCache(policy);
        using var host = new KvCacheFactory(caches.Driver.Geometry, caches.Options);
        using KvCache cache = host.Create();
        caches.Driver.Feed(cache, 350);
        using CacheImage image = cache.Export();
        using KvCache onDevice = caches.Factory.Import(CacheContent.WrittenAndRead(image, caches.Factory));
        DeviceCache.AssertSame(cache, onDevice);
        using CacheImage again = onDevice.Export();
        using KvCache back = host.Import(CacheContent.WrittenAndRead(again, host));
        DeviceCache.AssertSame(cache, back);
    }

    [Fact]
    public void EqualPagesAndSinks_AreSharedByTheirBytesOnTheDevice()
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(300);
        using KvCache twin = caches.Fed(420);
        long held = caches.Factory.HeldBytes;
        twin.ShareParts(cache, 300);
        Assert.Equal(held - (2L * cache.Pages[0].SlabBytes) - cache.Usage.SinkBytes, caches.Factory.HeldBytes);
        Assert.Same(cache.Pages[1], twin.Pages[1]);
    }

    [Fact]
    public void APageThatIsNone_IsRefusedAndGivenBack()
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(160);
        byte[] bytes = cache.Pages[0].Read().ToArray();
        long held = caches.Factory.HeldBytes;
        bytes[3] ^= 0x40;
        Assert.Throws<InvalidDataException>(() => caches.Factory.ReadPage(bytes));
        Assert.Equal(held, caches.Factory.HeldBytes);
    }

    [Fact]
    public void APage_IsNotTheHostsToRead()
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(160);
        Page page = cache.Pages[0];
        Assert.Contains("device's memory", Assert.Throws<InvalidOperationException>(() => page.Bytes.Length).Message);
        Assert.Equal(page.SlabBytes, page.Read().Length);
    }

    [Theory]
    [InlineData(20, 30, 32, 18)]
    [InlineData(0, 5, 5, 0)]
    [InlineData(300, 1, 32, 13)]
    public unsafe void AStepOfKernels_NamesTheRowsWithItsOwnTokensAndCountsThem(int tokens, int step, int sinks, int tail)
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(tokens);
        CacheSequence sequence = cache.BeginDeviceStep(step, 64);
        Assert.Equal((64, sinks, tail, tokens, cache.Pages.Count), (sequence.Pages, sequence.SinkCount, sequence.TailCount, sequence.Position, sequence.PageCount));
        CacheView view = cache.Layer(1).View;
        Assert.Equal((sinks, tail), (view.Sinks.Count, view.Tail.Count));
        Assert.Throws<InvalidOperationException>(() => cache.BeginDeviceStep(1, 64));

        // What a kernel would do: the last layer's last key of the tail, and a sum.
        CacheGeometry geometry = caches.Driver.Geometry;
        int row = Math.Max(0, tail - 1);
        long vector = ((((2L * (geometry.LayerCount - 1)) + 0) * geometry.KeyValueHeadCount) + 1) * CacheGeometry.PageTokens + row;
        ((ushort*)sequence.Tail)[vector * geometry.HeadDim] = 0x4040;
        double before = *(double*)sequence.Energies;
        *(double*)sequence.Energies += 2.5;
        using (Tensor key = view.Tail.Keys[1, row, 0])
        {
            Assert.Equal(3, key.to(ScalarType.Float32).item<float>());
        }

        cache.CompleteStep();
        Assert.Equal(tokens + step, cache.TokenCount);
        using CacheImage image = cache.Export();
        int counts = geometry.LayerCount * sizeof(int);
        ReadOnlySpan<byte> open = image.Open.Span;
        Assert.Equal(tail, BitConverter.ToInt32(open[^(2 * counts)..]));
        Assert.Equal(tail, BitConverter.ToInt32(open[^counts..]));
        Assert.Equal(before + 2.5, BitConverter.ToDouble(open[^((2 * counts) + (geometry.LayerCount * sizeof(double)))..]));
    }

    [Fact]
    public void AStepOfKernels_IsRefusedAcrossAPageBorderAndOnTheHost()
    {
        using var caches = new DeviceCache();
        using KvCache cache = caches.Fed(150);
        Assert.Contains("crosses the page border", Assert.Throws<InvalidOperationException>(() => cache.BeginDeviceStep(11, 0)).Message);
        using var host = new SmallCache(10);
        Assert.Contains("device's memory", Assert.Throws<InvalidOperationException>(() => host.Cache.BeginDeviceStep(1, 0)).Message);
    }

    [Fact]
    public void NoTensorOutlivesItsCache()
    {
        using var scope = NewDisposeScope();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var caches = new DeviceCache())
        {
            using KvCache cache = caches.Fed(300);
            using KvCache fork = cache.Fork();
            fork.TruncateToPageBorder(0);
            using CacheImage image = cache.Export();
            using KvCache copy = caches.Factory.Import(CacheContent.WrittenAndRead(image, caches.Factory));
            copy.ShareParts(cache, 300);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
