using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Cache.Cuda;

/// <summary>Caches of a small model in the memory of an emulated device. Skips the test where there is no emulator; its end checks that no page is left.</summary>
internal sealed class DeviceCache : IDisposable
{
    public DeviceCache(KvCachePolicy policy = KvCachePolicy.MixKvq, torch.ScalarType dtype = torch.ScalarType.BFloat16)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        Driver = new CacheDriver(CacheDriver.SmallGeometry(dtype: dtype), 600);
        Options = new KvCacheOptions { Policy = policy, TargetBits = 3 };
        Factory = new KvCacheFactory(Driver.Geometry, Options, device: new EmulatedDevice());
    }

    public CacheDriver Driver { get; }

    public KvCacheOptions Options { get; }

    public KvCacheFactory Factory { get; }

    /// <summary>A cache of the driver's first tokens; the caller's.</summary>
    public KvCache Fed(int tokens, int stepTokens = int.MaxValue)
    {
        KvCache cache = Factory.Create();
        Driver.Feed(cache, tokens, stepTokens);
        return cache;
    }

    /// <summary>Asserts that two caches hold the same, statistics included.</summary>
    public static void AssertSame(KvCache expected, KvCache actual)
    {
        using CacheImage a = expected.Export(), b = actual.Export();
        Assert.Equal(a.TokenCount, b.TokenCount);
        Assert.Equal(a.Sinks.ToArray(), b.Sinks.ToArray());
        Assert.Equal(a.Open.ToArray(), b.Open.ToArray());
        Assert.Equal(CacheContent.Pages(a), CacheContent.Pages(b));
        Assert.Equal(expected.Usage, actual.Usage);
    }

    public void Dispose()
    {
        Driver.Dispose();
        Factory.Pool.CheckIntegrity();
        Assert.Equal(0, Factory.HeldBytes);
        Factory.Dispose();
        Assert.Equal(0, Factory.Pool.AllocatedBytes);
    }
}
