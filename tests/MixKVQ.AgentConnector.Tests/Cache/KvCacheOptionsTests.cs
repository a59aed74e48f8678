using MixKVQ.AgentConnector.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache;

public sealed class KvCacheOptionsTests
{
    [Fact]
    public void Defaults_HaveNoFault()
    {
        List<string> faults = [];
        new KvCacheOptions().CollectFaults("Cache", faults);
        Assert.Empty(faults);
    }

    [Fact]
    public void EveryFault_IsReportedWithNameValueAndRange()
    {
        List<string> faults = [];
        new KvCacheOptions { Policy = (KvCachePolicy)77, TargetBits = double.NaN, FourBitThreshold = -1, FullPrecisionThreshold = -2, ValueGroupSize = 12 }.CollectFaults("Model:Cache", faults);
        Assert.Equal(5, faults.Count);
        Assert.Contains(faults, fault => fault.Contains("Model:Cache.Policy is 77", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("Model:Cache.TargetBits is NaN; allowed: 2 to 16", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("Model:Cache.ValueGroupSize is 12", StringComparison.Ordinal));
    }

    [Fact]
    public void AFactory_RefusesWhatDoesNotFitTheModel()
    {
        var geometry = new CacheGeometry(2, 4, 2, 32, ScalarType.Float32, CPU, null);
        Assert.Contains("divisor of its head dimension 32", Assert.Throws<ArgumentException>(() => new KvCacheFactory(geometry, new KvCacheOptions { ValueGroupSize = 24 })).Message);
        ArgumentException fault = Assert.Throws<ArgumentException>(() => new KvCacheFactory(geometry with { QueryHeadCount = 3, HeadDim = 20, DType = ScalarType.Int64, OutputWeights = [1] }, new KvCacheOptions()));
        Assert.Contains("3 query heads", fault.Message);
        Assert.Contains("head dimension of 20", fault.Message);
        Assert.Contains("Int64", fault.Message);
        Assert.Contains("1 output weights", fault.Message);
    }
}
