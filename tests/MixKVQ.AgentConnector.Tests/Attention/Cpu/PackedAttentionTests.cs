using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cpu;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Tests.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention.Cpu;

public sealed class PackedAttentionTests
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
        { ScalarType.Float32, 2, 8, 300, 1, 0 },
        { ScalarType.Float16, 2, 96, 300, 2, 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_EqualsTheReference(ScalarType dtype, int group, int headDim, int before, int step, int valueGroup)
    {
        var kernel = new PackedAttention();
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 1, queryHeads: 2 * group, keyValueHeads: 2, headDim: headDim, dtype: dtype);
        using var driver = new CacheDriver(geometry, before + step, seed: headDim);
        foreach (KvCachePolicy policy in Policies)
        {
            using var factory = new KvCacheFactory(
                geometry, new KvCacheOptions { Policy = policy, TargetBits = headDim < 32 ? 4.5 : 3, ValueGroupSize = valueGroup == 0 ? null : valueGroup });
            using KvCache cache = factory.Create();
            driver.Feed(cache, before);
            driver.Append(cache, step);
            AssertEqual(kernel, cache.Layer(0).View, driver, before, step, $"{policy} {dtype}");
        }
    }

    [Fact]
    public void Attend_OfALongStepEqualsTheReference()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry();
        using var driver = new CacheDriver(geometry, 200);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        driver.Feed(cache, 160);
        driver.Append(cache, 40);
        AssertEqual(new PackedAttention(), cache.Layer(1).View, driver, 160, 40, "long step");
    }

    private static void AssertEqual(PackedAttention kernel, CacheView view, CacheDriver driver, int before, int step, string what)
    {
        CacheGeometry geometry = driver.Geometry;
        float scale = 1 / MathF.Sqrt(geometry.HeadDim);
        using Tensor queries = driver.LayerQueries(view.Layer, before, step);
        using Tensor expected = new ReferenceAttention().Attend(queries, view, scale);
        using Tensor actual = kernel.Attend(queries, view, scale);
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.dtype, actual.dtype);
        double[] errors = [.. AttentionCheck.ToArray(expected).Zip(AttentionCheck.ToArray(actual), (a, b) => (double)Math.Abs(a - b))];
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: largest error {errors.Max():E2}, mean {errors.Average():E2}");

        // One unit in the last place of outputs of at most 4, where the model's type is coarser than the arithmetic.
        double tolerance = geometry.DType switch { ScalarType.Float32 => 2e-5, ScalarType.BFloat16 => 2e-2, _ => 3e-3 };
        Assert.True(errors.Max() <= tolerance, $"{what}: the largest error is {errors.Max():E2}.");
    }
}
