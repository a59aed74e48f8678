using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Cache;

public sealed class PageSealerTests
{
    [Theory]
    [InlineData(KvCachePolicy.MixKvq, torch.ScalarType.BFloat16, 64, null)]
    [InlineData(KvCachePolicy.MixKvq, torch.ScalarType.Float32, 128, 32)]
    [InlineData(KvCachePolicy.MixKvqThresholds, torch.ScalarType.Float16, 8, null)]
    public void APage_DoesNotDependOnTheSizeOfTheTeam(KvCachePolicy policy, torch.ScalarType dtype, int headDim, int? valueGroup)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 3, headDim: headDim, dtype: dtype);
        using var driver = new CacheDriver(geometry, 160);
        byte[][] pages = [.. new[] { 1, 2, 3 }.Select(size =>
        {
            using var team = new WorkerTeam(size);
            using var factory = new KvCacheFactory(geometry, new KvCacheOptions { Policy = policy, TargetBits = 3.2, ValueGroupSize = valueGroup }, team);
            using KvCache cache = factory.Create();
            driver.Feed(cache, 160);
            return cache.Layer(0).View.Pages[0].Bytes.ToArray();
        })];
        Assert.Equal(pages[0], pages[1]);
        Assert.Equal(pages[0], pages[2]);
    }
}
