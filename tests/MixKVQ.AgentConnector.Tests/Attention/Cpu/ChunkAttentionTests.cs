using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Cache;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed class ChunkAttentionTests
{
    public static TheoryData<ScalarType, int, int, int, int, int> Cases => new()
    {
        // model dtype, group, head dimension, tokens before, tokens of the chunk, value group (0: whole head)
        { ScalarType.Float32, 1, 16, 0, 20, 0 },
        { ScalarType.BFloat16, 2, 64, 0, 32, 0 },
        { ScalarType.BFloat16, 2, 32, 7, 25, 0 },
        { ScalarType.Float32, 4, 64, 32, 128, 32 },
        { ScalarType.BFloat16, 3, 128, 160, 128, 64 },
        { ScalarType.Float16, 2, 96, 288, 128, 0 },
        { ScalarType.Float32, 3, 80, 420, 9, 40 },
        { ScalarType.Float32, 2, 8, 300, 2, 0 },
        { ScalarType.BFloat16, 1, 256, 290, 100, 128 },
        { ScalarType.Float32, 7, 64, 200, 61, 32 },
        { ScalarType.Float32, 2, 48, 420, 1, 16 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_EqualsTheReference(ScalarType dtype, int group, int headDim, int before, int step, int valueGroup)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1, queryHeads: 2 * group, keyValueHeads: 2, headDim: headDim, dtype: dtype);
        using var driver = new CacheDriver(geometry, before + step, seed: headDim);
        foreach (KvCachePolicy policy in Enum.GetValues<KvCachePolicy>())
        {
            using var factory = new KvCacheFactory(
                geometry, new KvCacheOptions { Policy = policy, TargetBits = headDim < 32 ? 4.5 : 3, ValueGroupSize = valueGroup == 0 ? null : valueGroup });
            using KvCache cache = factory.Create();
            driver.Feed(cache, before);
            driver.Append(cache, step);
            CacheView view = cache.Layer(0).View;
            using Tensor queries = driver.LayerQueries(0, before, step);
            using Tensor exactQueries = queries.to(ScalarType.Float32, copy: true);
            float[] expected = Attend(new ReferenceAttention(), exactQueries, view);
            foreach (FloatKernels kernels in FloatKernels.Supported)
            {
                float[] actual = Attend(new ChunkAttention(null, kernels), exactQueries, view);
                double error = Norm(expected.Zip(actual, (a, b) => (double)a - b)) / Norm(expected.Select(a => (double)a));
                double largest = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
                Assert.True(error < 1e-5 && largest < 1e-4, $"{policy}, panels of {kernels.PanelWidth}: relative error {error:E2}, largest {largest:E2}.");
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 6)]
    public void Attend_GivesTheSameForTeamsOfAnySize(int keyValueHeads, int group)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: keyValueHeads * group, keyValueHeads: keyValueHeads, headDim: 32, dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, 300);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        driver.Feed(cache, 200);
        driver.Append(cache, 88);
        using var team = new WorkerTeam(3);
        IAttentionKernel alone = new ChunkAttention(null, FloatKernels.Best), shared = new ChunkAttention(team, FloatKernels.Best);
        for (int layer = 0; layer < 2; layer++)
        {
            using Tensor queries = driver.LayerQueries(layer, 200, 88);
            Assert.Equal(Attend(alone, queries, cache.Layer(layer).View), Attend(shared, queries, cache.Layer(layer).View));
        }
    }

    [Theory]
    [InlineData(0, 30)]
    [InlineData(170, 100)]
    public void Attend_OfATokenDependsOnNoLaterOne(int before, int step)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1);
        using var driver = new CacheDriver(geometry, before + step);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        float[] whole = AttendAfter(before, step);
        foreach (int part in new[] { 1, 2, step / 2, step - 1 })
        {
            float[] first = AttendAfter(before, part);
            Assert.Equal(whole[..first.Length], first);
        }

        float[] AttendAfter(int before, int count)
        {
            using KvCache cache = factory.Create();
            driver.Feed(cache, before);
            driver.Append(cache, count);
            using Tensor queries = driver.LayerQueries(0, before, count);
            return Attend(new ChunkAttention(null, FloatKernels.Best), queries, cache.Layer(0).View);
        }
    }

    [Fact]
    public void Attend_TakesQueriesThatAreNotContiguousAndGivesTheirType()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, 60);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        driver.Feed(cache, 40);
        driver.Append(cache, 20);
        CacheView view = cache.Layer(0).View;
        using Tensor queries = driver.LayerQueries(0, 40, 20);
        using Tensor headsFirst = queries.transpose(0, 1).contiguous();
        using Tensor turned = headsFirst.transpose(0, 1);
        var kernel = new ChunkAttention(null, FloatKernels.Best);
        using Tensor output = kernel.Attend(turned, view, 0.2f);
        Assert.Equal(ScalarType.BFloat16, output.dtype);
        Assert.Equal([20, 4, 32], output.shape);
        using Tensor same = kernel.Attend(queries, view, 0.2f);
        Assert.Equal(AttentionCheck.ToArray(same), AttentionCheck.ToArray(output));
    }

    [Fact]
    public void Attend_OfMoreQueriesThanTokensSaysWhatToDo()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry();
        using var driver = new CacheDriver(geometry, 20);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        driver.Append(cache, 8);
        using Tensor queries = driver.LayerQueries(0, 0, 9);
        ArgumentException error = Assert.Throws<ArgumentException>(() => new ChunkAttention(null, FloatKernels.Best).Attend(queries, cache.Layer(0).View, 1));
        Assert.Contains("append the step's tokens", error.Message, StringComparison.Ordinal);
    }

    private static float[] Attend(IAttentionKernel kernel, Tensor queries, CacheView view)
    {
        using Tensor output = kernel.Attend(queries, view, 1 / MathF.Sqrt(view.Layout.Geometry.HeadDim));
        return AttentionCheck.ToArray(output);
    }

    private static double Norm(IEnumerable<double> vector) => Math.Sqrt(vector.Sum(x => x * x));
}
