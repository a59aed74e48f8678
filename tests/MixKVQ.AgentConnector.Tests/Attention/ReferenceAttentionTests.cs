using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention;

public sealed class ReferenceAttentionTests
{
    public static TheoryData<KvCachePolicy, int, int, int, int, int> Cases => new()
    {
        // policy, group, head dimension, tokens before, tokens of the step, value group (0: whole head)
        { KvCachePolicy.FullPrecision, 1, 16, 0, 1, 0 },
        { KvCachePolicy.FullPrecision, 2, 32, 0, 160, 0 },
        { KvCachePolicy.FullPrecision, 4, 64, 20, 140, 0 },
        { KvCachePolicy.FullPrecision, 2, 128, 160, 1, 0 },
        { KvCachePolicy.FullPrecision, 2, 16, 161, 3, 0 },
        { KvCachePolicy.MixKvq, 1, 64, 288, 1, 0 },
        { KvCachePolicy.MixKvq, 2, 32, 300, 77, 0 },
        { KvCachePolicy.MixKvq, 4, 128, 290, 5, 0 },
        { KvCachePolicy.MixKvq, 2, 16, 291, 1, 0 },
        { KvCachePolicy.MixKvqThresholds, 2, 64, 421, 1, 32 },
        { KvCachePolicy.Uniform2, 2, 32, 170, 2, 16 },
        { KvCachePolicy.Uniform3, 2, 32, 170, 2, 0 },
        { KvCachePolicy.Uniform4, 2, 32, 170, 2, 0 },
        { KvCachePolicy.Uniform8, 2, 32, 170, 2, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_EqualsItsDefinitionOverTheDequantizedHistory(KvCachePolicy policy, int group, int headDim, int before, int step, int valueGroup)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 2 * group, keyValueHeads: 2, headDim: headDim);
        KvCacheOptions options = new() { Policy = policy, TargetBits = headDim == 16 ? 3.5 : 3, ValueGroupSize = valueGroup == 0 ? null : valueGroup, CorrectKeyBias = false };
        using var factory = new KvCacheFactory(geometry, options);
        using var driver = new CacheDriver(geometry, before + step);
        using KvCache cache = factory.Create();
        driver.Feed(cache, before);
        driver.Append(cache, step);
        for (int layer = 0; layer < geometry.LayerCount; layer++)
        {
            AttentionCheck.EqualsDefinition(new ReferenceAttention(), driver, cache.Layer(layer).View, before, step, 2e-5);
        }
    }

    [Fact]
    public void CorrectingTheKeysBias_TakesHalfTheErrorsVarianceOffTheLogitsOfPages()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1, queryHeads: 1, keyValueHeads: 1);
        using var driver = new CacheDriver(geometry, 161);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 2.7 });
        using KvCache cache = factory.Create();
        driver.Feed(cache, 160);
        driver.Append(cache, 1);
        CacheView view = cache.Layer(0).View;
        using Tensor queries = driver.LayerQueries(0, 160, 1);
        double[] query = [.. AttentionCheck.ToArray(queries).Select(q => (double)q)];
        (Tensor pageKeys, Tensor pageValues, Tensor variances) = new PageDequantizer(view.Layout).Dequantize(view.Pages[0], 0, CPU);
        double bias = AttentionCheck.ToArray(variances).Zip(query, (variance, q) => q * q / geometry.HeadDim * variance / 2).Sum();
        Assert.True(bias > 0.001);

        // A further channel, 1 in the query and minus the bias in the page's keys, says the same.
        (float[,,] keys, float[,,] values) = AttentionCheck.History(view, geometry);
        double[][] corrected = [.. Enumerable.Range(0, 161).Select(token =>
            Enumerable.Range(0, 32).Select(d => (double)keys[0, token, d]).Append(token is >= 32 and < 160 ? -bias * Math.Sqrt(geometry.HeadDim) : 0).ToArray())];
        double[][] padded = [.. Enumerable.Range(0, 161).Select(token => Enumerable.Range(0, 32).Select(d => (double)values[0, token, d]).Append(0).ToArray())];
        double[] expected = PlainAttention.Attend([.. query, 1], corrected, padded, 1 / Math.Sqrt(geometry.HeadDim));
        using Tensor output = new ReferenceAttention().Attend(queries, view, 1 / MathF.Sqrt(geometry.HeadDim));
        Assert.All(AttentionCheck.ToArray(output).Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 2e-5));
        pageKeys.Dispose();
        pageValues.Dispose();
        variances.Dispose();
    }
}
