using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Cache;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention.Cuda;

/// <summary>Prefill attention, its kernels emulated, against the reference.</summary>
public sealed class CudaAttentionTests
{
    private const int SmallSharedBytes = 99 * 1024;

    public static TheoryData<KvCachePolicy, ScalarType, int, int, int, int, int> Cases => new()
    {
        // policy, model dtype, group, head dimension, tokens before, tokens of the chunk, value group (0: whole head)
        { KvCachePolicy.MixKvq, ScalarType.BFloat16, 4, 128, 0, 160, 0 },
        { KvCachePolicy.MixKvq, ScalarType.BFloat16, 4, 128, 0, 5, 0 },
        { KvCachePolicy.MixKvq, ScalarType.BFloat16, 4, 128, 32, 128, 0 },
        { KvCachePolicy.MixKvq, ScalarType.BFloat16, 4, 128, 420, 124, 0 },
        { KvCachePolicy.MixKvq, ScalarType.Float16, 5, 64, 420, 32, 32 },
        { KvCachePolicy.MixKvqThresholds, ScalarType.Float32, 1, 64, 700, 1, 64 },
        { KvCachePolicy.Uniform8, ScalarType.Float32, 3, 80, 290, 32, 40 },
        { KvCachePolicy.FullPrecision, ScalarType.BFloat16, 2, 256, 300, 20, 128 },
        { KvCachePolicy.Uniform4, ScalarType.Float32, 2, 8, 300, 2, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_EqualsTheReferenceUpToTheRoundingOfHalves(
        KvCachePolicy policy, ScalarType dtype, int group, int headDim, int before, int step, int valueGroup)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 2 * group, keyValueHeads: 2, headDim: headDim, dtype: dtype);
        using var driver = new CacheDriver(geometry, before + step, seed: headDim);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { Policy = policy, TargetBits = 3, ValueGroupSize = valueGroup == 0 ? null : valueGroup });
        using KvCache cache = Filled(driver, factory, before, step);
        using var kernel = new CudaAttention(new EmulatedDevice());
        RequireReference(driver, cache, kernel, before, step);
    }

    [Fact]
    public void Attend_DoesTheSameWithTheSharedMemoryOfSmallerGpus()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        CacheGeometry geometry = CacheDriver.SmallGeometry(queryHeads: 8, headDim: 128, dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, 300);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = Filled(driver, factory, 200, 60);
        using var kernel = new CudaAttention(new EmulatedDevice { SharedBytes = SmallSharedBytes });
        RequireReference(driver, cache, kernel, 200, 60);
    }

    [Fact]
    public void Attend_FollowsTheCacheFromStepToStep()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        CacheGeometry geometry = CacheDriver.SmallGeometry(dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, 600);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        using var kernel = new CudaAttention(new EmulatedDevice());
        foreach (int step in (int[])[20, 100, 40, 128, 7])
        {
            int before = cache.TokenCount;
            driver.Append(cache, step);
            RequireReference(driver, cache, kernel, before, step);
            cache.CompleteStep();
        }

        Assert.Equal(288, cache.TruncateToPageBorder(290));
        driver.Append(cache, 9);
        RequireReference(driver, cache, kernel, 288, 9);
    }

    [Theory]
    [InlineData(0, 30)]
    [InlineData(170, 100)]
    public void Attend_OfATokenDependsOnNoLaterOne(int before, int step)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        CacheGeometry geometry = CacheDriver.SmallGeometry(dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, before + step);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using var kernel = new CudaAttention(new EmulatedDevice());
        float[] whole = AttendAfter(step), part = AttendAfter(step / 2);
        Assert.True(Norm(whole.Zip(part, (a, b) => (double)a - b)) / Norm(part.Select(a => (double)a)) < 1e-3);

        float[] AttendAfter(int count)
        {
            using KvCache cache = Filled(driver, factory, before, count);
            using Tensor queries = driver.LayerQueries(0, before, count);
            return Attend(kernel, queries, cache.Layer(0).View);
        }
    }

    [Fact]
    public void Attend_TakesQueriesThatAreNotContiguousAndGivesTheirType()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        CacheGeometry geometry = CacheDriver.SmallGeometry(dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, 60);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = Filled(driver, factory, 40, 20);
        CacheView view = cache.Layer(0).View;
        using Tensor queries = driver.LayerQueries(0, 40, 20);
        using Tensor headsFirst = queries.transpose(0, 1).contiguous();
        using Tensor turned = headsFirst.transpose(0, 1);
        using var kernel = new CudaAttention(new EmulatedDevice());
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
        using KvCache cache = Filled(driver, factory, 0, 8);
        using Tensor queries = driver.LayerQueries(0, 0, 9);
        using var kernel = new CudaAttention(new EmulatedDevice());
        ArgumentException error = Assert.Throws<ArgumentException>(() => kernel.Attend(queries, cache.Layer(0).View, 1));
        Assert.Contains("append the step's tokens", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Attend_OfHeadsThatDoNotFitSaysWhatWould()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(headDim: 256);
        using var driver = new CacheDriver(geometry, 8);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = Filled(driver, factory, 0, 8);
        using Tensor queries = driver.LayerQueries(0, 0, 8);
        using var kernel = new CudaAttention(new EmulatedDevice { SharedBytes = SmallSharedBytes });
        NotSupportedException error = Assert.Throws<NotSupportedException>(() => kernel.Attend(queries, cache.Layer(0).View, 1));
        Assert.Contains("Heads of 256 channels", error.Message, StringComparison.Ordinal);
    }

    private static KvCache Filled(CacheDriver driver, KvCacheFactory factory, int before, int step)
    {
        KvCache cache = factory.Create();
        driver.Feed(cache, before);
        driver.Append(cache, step);
        return cache;
    }

    private static void RequireReference(CacheDriver driver, KvCache cache, CudaAttention kernel, int before, int step)
    {
        for (int layer = 0; layer < driver.Geometry.LayerCount; layer++)
        {
            CacheView view = cache.Layer(layer).View;
            using Tensor queries = driver.LayerQueries(layer, before, step);
            using Tensor exactQueries = queries.to(ScalarType.Float32, copy: true);
            float[] expected = Attend(new ReferenceAttention(), exactQueries, view), actual = Attend(kernel, exactQueries, view);
            double scale = Norm(expected.Select(a => (double)a)), error = Norm(expected.Zip(actual, (a, b) => (double)a - b)) / scale;
            double largest = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max() / (scale / Math.Sqrt(expected.Length));
            TestContext.Current.TestOutputHelper?.WriteLine($"layer {layer}: relative error {error:E2}, largest {largest:E2} of the outputs' root mean square");
            Assert.True(error < 1.5e-3 && largest < 3e-2, $"Layer {layer}: relative error {error:E2}, largest {largest:E2}.");
        }
    }

    private static float[] Attend(IAttentionKernel kernel, Tensor queries, CacheView view)
    {
        using Tensor output = kernel.Attend(queries, view, 1 / MathF.Sqrt(view.Layout.Geometry.HeadDim));
        Assert.Equal(queries.dtype, output.dtype);
        return AttentionCheck.ToArray(output);
    }

    private static double Norm(IEnumerable<double> vector) => Math.Sqrt(vector.Sum(x => x * x));
}
