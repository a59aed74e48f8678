using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Cache;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed unsafe class PackedAttentionTests
{
    private static readonly KvCachePolicy[] Policies = Enum.GetValues<KvCachePolicy>();

    public static TheoryData<ScalarType, int, int, int, int, int> Cases => new()
    {
        // model dtype, group, head dimension, tokens before, tokens of the step, value group (0: whole head)
        { ScalarType.Float32, 1, 16, 0, 1, 0 },
        { ScalarType.BFloat16, 2, 64, 30, 4, 0 },
        { ScalarType.Float32, 4, 64, 159, 1, 0 },
        { ScalarType.BFloat16, 2, 128, 160, 1, 0 },
        { ScalarType.Float16, 3, 32, 290, 3, 0 },
        { ScalarType.Float32, 2, 64, 417, 2, 32 },
        { ScalarType.BFloat16, 1, 128, 418, 4, 64 },
        { ScalarType.BFloat16, 6, 128, 700, 1, 128 },
        { ScalarType.Float32, 2, 8, 300, 1, 0 },
        { ScalarType.Float16, 2, 96, 300, 2, 0 },
        { ScalarType.BFloat16, 5, 80, 600, 1, 40 },
        { ScalarType.Float32, 16, 256, 200, 1, 0 },
        { ScalarType.Float32, 1, 264, 170, 1, 24 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_AddsATenthOfTheQuantizationsOwnErrorAtMostAndNothingWhereExactnessIsAsked(
        ScalarType dtype, int group, int headDim, int before, int step, int valueGroup)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1, queryHeads: 2 * group, keyValueHeads: 2, headDim: headDim, dtype: dtype);
        using var driver = new CacheDriver(geometry, before + step, seed: headDim);
        float[] unquantized = Attend(driver, KvCachePolicy.FullPrecision, before, step, valueGroup, [new ReferenceAttention()])[0];
        IAttentionKernel[] kernels = [.. PageMatrix.Instructions.Select(instructions => new PackedAttention(instructions: instructions))];
        foreach (KvCachePolicy policy in Policies)
        {
            float[][] outputs = Attend(driver, policy, before, step, valueGroup, [new ReferenceAttention(), new PackedAttention(exact: true), .. kernels]);
            double own = SquaredDistance(unquantized, outputs[0]);
            double error = Math.Sqrt(SquaredDistance(outputs[0], outputs[1]) / outputs[0].Sum(e => (double)e * e));
            Assert.True(error < 2e-5, $"{policy}: relative error {error:E2} where exactness is asked.");
            foreach (float[] actual in outputs[2..])
            {
                double added = SquaredDistance(outputs[0], actual);
                TestContext.Current.TestOutputHelper?.WriteLine($"{policy}: {added:E2} is {added / own:P2} of {own:E2}");
                Assert.True(added <= own / 10 + 1e-8, $"{policy}: squared error {added:E2} is added to {own:E2}.");
            }
        }
    }

    [Theory]
    [InlineData(KvCachePolicy.MixKvq, 700)]
    [InlineData(KvCachePolicy.Uniform4, 300)]
    public void Attend_IsWithinAThousandthOfTheDefinitionWhereExactnessIsAsked(KvCachePolicy policy, int before)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1);
        using var driver = new CacheDriver(geometry, before + 1);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { Policy = policy, TargetBits = 3, CorrectKeyBias = false });
        using KvCache cache = factory.Create();
        driver.Feed(cache, before);
        driver.Append(cache, 1);
        AttentionCheck.EqualsDefinition(new PackedAttention(exact: true), driver, cache.Layer(0).View, before, 1, 1e-3);
    }

    [Fact]
    public void Attend_OfALongStepEqualsTheReference()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry();
        using var driver = new CacheDriver(geometry, 200);
        float[][] outputs = Attend(driver, KvCachePolicy.MixKvq, 160, 40, 0, [new ReferenceAttention(), new PackedAttention()]);
        Assert.True(SquaredDistance(outputs[0], outputs[1]) < 1e-6);
    }

    [Fact]
    public void Attend_GivesTheSameBitsInABatchAndForTeamsOfAnySize()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(queryHeads: 6, dtype: ScalarType.BFloat16);
        using var driver = new CacheDriver(geometry, 4000);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        int[] lengths = [1, 40, 2600, 159, 3300];
        KvCache[] caches = [.. lengths.Select(_ => factory.Create())];
        for (int i = 0; i < lengths.Length; i++)
        {
            driver.Feed(caches[i], lengths[i]);
        }

        using var team = new WorkerTeam(3);
        float[] queries = AttentionCheck.ToArray(driver.Queries)[..(geometry.QueryHeadCount * geometry.HeadDim)];
        float[][] alone = [.. caches.Select(cache => Decode(new PackedAttention(), [cache], queries)[0])];
        float[][] together = Decode(new PackedAttention(), caches, queries);
        float[][] shared = Decode(new PackedAttention(team), caches, queries);
        for (int i = 0; i < caches.Length; i++)
        {
            Assert.Equal(alone[i], together[i]);
            Assert.Equal(alone[i], shared[i]);
            caches[i].Dispose();
        }
    }

    [Fact]
    public void Attend_AllocatesNothingOnceWarm()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry();
        using var driver = new CacheDriver(geometry, 1500);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        driver.Feed(cache, 1450);
        var kernel = new PackedAttention();
        var queries = new AlignedMemory(geometry.QueryHeadCount * geometry.HeadDim * sizeof(float));
        var query = new DecodeQuery(cache.Layer(1).View, queries.Floats, queries.Floats);
        for (int i = 0; i < 3; i++)
        {
            kernel.Attend(new ReadOnlySpan<DecodeQuery>(in query), 0.1f);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        kernel.Attend(new ReadOnlySpan<DecodeQuery>(in query), 0.1f);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Attend_OfAViewWithoutTokensSaysWhatToDo()
    {
        using var factory = new KvCacheFactory(CacheDriver.SmallGeometry(), new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        ArgumentException error = Assert.Throws<ArgumentException>(() => Decode(new PackedAttention(), [cache], new float[128]));
        Assert.Contains("append the step's tokens", error.Message, StringComparison.Ordinal);
    }

    private static float[][] Decode(PackedAttention kernel, KvCache[] caches, float[] queries)
    {
        var memory = new AlignedMemory(caches.Length * queries.Length * sizeof(float));
        fixed (float* from = queries)
        {
            var steps = new DecodeQuery[caches.Length];
            for (int i = 0; i < caches.Length; i++)
            {
                steps[i] = new DecodeQuery(caches[i].Layer(1).View, from, memory.Floats + i * queries.Length);
            }

            kernel.Attend(steps, 0.2f);
        }

        return [.. new Span<float>(memory.Floats, caches.Length * queries.Length).ToArray().Chunk(queries.Length)];
    }

    private static float[][] Attend(CacheDriver driver, KvCachePolicy policy, int before, int step, int valueGroup, IAttentionKernel[] kernels)
    {
        int headDim = driver.Geometry.HeadDim;
        using var factory = new KvCacheFactory(
            driver.Geometry, new KvCacheOptions { Policy = policy, TargetBits = headDim < 32 ? 4.5 : 3, ValueGroupSize = valueGroup == 0 ? null : valueGroup });
        using KvCache cache = factory.Create();
        driver.Feed(cache, before);
        driver.Append(cache, step);
        CacheView view = cache.Layer(0).View;
        using Tensor queries = driver.LayerQueries(0, before, step);
        using Tensor exactQueries = queries.to(ScalarType.Float32, copy: true);
        return [.. kernels.Select(kernel => Attend(kernel, exactQueries, view))];
    }

    private static float[] Attend(IAttentionKernel kernel, Tensor queries, CacheView view)
    {
        using Tensor output = kernel.Attend(queries, view, 1 / MathF.Sqrt(view.Layout.Geometry.HeadDim));
        Assert.Equal(queries.shape, output.shape);
        return AttentionCheck.ToArray(output);
    }

    private static double SquaredDistance(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum();
}
