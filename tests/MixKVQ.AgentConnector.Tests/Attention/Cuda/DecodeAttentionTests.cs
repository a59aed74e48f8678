using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Cache;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention.Cuda;

public sealed unsafe class DecodeAttentionTests
{
    private const int SmallSharedBytes = 99 * 1024;
    private const int LargeSharedBytes = 227 * 1024;

    private static readonly int[] Ragged = [1, 20, 97, 417, 161];

    public static TheoryData<KvCachePolicy, ScalarType, int, int, int, float> Cases => new()
    {
        // policy, model dtype, group, head dimension, value group (0: whole head), how much larger than usual queries are
        { KvCachePolicy.MixKvq, ScalarType.BFloat16, 4, 128, 0, 1 },
        { KvCachePolicy.MixKvq, ScalarType.Float32, 1, 64, 32, 1 },
        { KvCachePolicy.MixKvq, ScalarType.Float32, 1, 64, 32, 8 },
        { KvCachePolicy.MixKvq, ScalarType.Float32, 12, 80, 40, 1 },
        { KvCachePolicy.MixKvqThresholds, ScalarType.Float16, 5, 128, 0, 1 },
        { KvCachePolicy.Uniform4, ScalarType.Float32, 7, 64, 0, 1 },
        { KvCachePolicy.Uniform8, ScalarType.Float32, 1, 128, 0, 1 },
        { KvCachePolicy.FullPrecision, ScalarType.BFloat16, 5, 64, 0, 1 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Attend_OverARaggedBatchEqualsTheReference(KvCachePolicy policy, ScalarType dtype, int group, int headDim, int valueGroup, float factor)
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 2 * group, keyValueHeads: 2, headDim: headDim, dtype: dtype);
        EqualsReference(geometry, new KvCacheOptions { Policy = policy, TargetBits = 3, ValueGroupSize = valueGroup == 0 ? null : valueGroup }, Ragged, factor);
    }

    [Fact]
    public void Attend_OverALongHistoryJoinsItsSplits()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 2, keyValueHeads: 1, headDim: 64);
        EmulatedDevice device = EqualsReference(geometry, new KvCacheOptions { TargetBits = 3 }, [1200], 1);
        Assert.Equal(1, device.Launches["merge_splits"]);
    }

    [Fact]
    public void Attend_WhereSharedMemoryIsSmallReadsPagesWhereTheyLie()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 8, keyValueHeads: 2, headDim: 128);
        Assert.Equal(0, DecodeConstants.StageBytes(geometry, SmallSharedBytes));
        EqualsReference(geometry, new KvCacheOptions { TargetBits = 3 }, Ragged, 1, SmallSharedBytes);
    }

    [Fact]
    public void Attend_OverShortHistoriesNeedsNoMerge()
    {
        CacheGeometry geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 2, keyValueHeads: 1, headDim: 64);
        EmulatedDevice device = EqualsReference(geometry, new KvCacheOptions { TargetBits = 3 }, [1, 100], 1);
        Assert.False(device.Launches.ContainsKey("merge_splits"));
    }

    [Theory]
    [InlineData(0, 64, 528, 0)]
    [InlineData(3, 64, 528, 1)]
    [InlineData(256, 64, 528, 10)]
    [InlineData(256, 8, 528, 64)]
    [InlineData(256, 2000, 528, 1)]
    [InlineData(255, 48, 528, 11)]
    public void Splits_KeepTheDeviceBusyAndGiveWarpsEqualWork(int pages, int heads, int residentBlocks, int expected) =>
        Assert.Equal(expected, DecodeAttention.Splits(pages, heads, residentBlocks));

    [Fact]
    public void HeadsThatAreTooLarge_AreRefusedWithTheirSize()
    {
        using var factory = new KvCacheFactory(CacheDriver.SmallGeometry(layers: 1, headDim: 264), new KvCacheOptions { TargetBits = 3 });
        using KvCache cache = factory.Create();
        ArgumentException error = Assert.Throws<ArgumentException>(() => new DecodeAttention(new EmulatedDevice(), cache.Layer(0).View.Layout));
        Assert.Contains("264", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Compares attention in a batch of histories of so many tokens, in the second layer, with the reference.</summary>
    private static EmulatedDevice EqualsReference(CacheGeometry geometry, KvCacheOptions options, int[] lengths, float factor, int sharedBytes = LargeSharedBytes)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        using var driver = new CacheDriver(geometry, lengths.Max(), seed: geometry.GroupSize);
        using var factory = new KvCacheFactory(geometry, options);
        KvCache[] caches = [.. lengths.Select(_ => factory.Create())];
        for (int i = 0; i < caches.Length; i++)
        {
            driver.Feed(caches[i], lengths[i] - 1);
            driver.Append(caches[i], 1);
        }

        var device = new EmulatedDevice { SharedBytes = sharedBytes };
        using Tensor queries = Queries(driver, lengths, factor);
        using var attention = new DecodeAttention(device, factory.Layout);
        float[][] actual = Attend(attention, geometry, caches, queries, 1);
        for (int i = 0; i < caches.Length; i++)
        {
            using Tensor row = queries[i].reshape(1, geometry.QueryHeadCount, geometry.HeadDim);
            using Tensor output = new ReferenceAttention().Attend(row, caches[i].Layer(1).View, 1 / MathF.Sqrt(geometry.HeadDim));
            AssertClose(AttentionCheck.ToArray(output), actual[i], geometry.DType == ScalarType.BFloat16 ? 4e-3 : 1.5e-3, $"{lengths[i]} tokens");
            caches[i].Dispose();
        }

        return device;
    }

    private static Tensor Queries(CacheDriver driver, int[] lengths, float factor)
    {
        using var scope = NewDisposeScope();
        using Scalar scalar = factor;
        Tensor rows = stack([.. lengths.Select(length => driver.Queries[length - 1, 1].reshape(-1))]);
        return rows.mul(scalar).MoveToOuterDisposeScope();
    }

    private static float[][] Attend(DecodeAttention attention, CacheGeometry geometry, KvCache[] caches, Tensor queries, int layer)
    {
        int columns = geometry.QueryHeadCount * geometry.HeadDim;
        nint[][] pages = [.. caches.Select(cache => cache.Pages.Select(page => (nint)page.Start).ToArray())];
        var table = new nint[pages.Sum(addresses => addresses.Length)];
        using Tensor output = empty(caches.Length, columns, dtype: geometry.DType);
        fixed (nint* addresses = table)
        {
            var sequences = new CacheSequence[caches.Length];
            int at = 0;
            for (int i = 0; i < caches.Length; i++)
            {
                CacheView first = caches[i].Layer(0).View;
                pages[i].CopyTo(table, at);
                sequences[i] = new CacheSequence
                {
                    Pages = (nint)(addresses + at),
                    Sinks = TensorMemory.DataPointer(first.Sinks.Keys),
                    Tail = TensorMemory.DataPointer(first.Tail.Keys),
                    PageCount = pages[i].Length,
                    SinkCount = first.Sinks.Count,
                    TailCount = first.Tail.Count,
                };
                at += pages[i].Length;
            }

            fixed (CacheSequence* start = sequences)
            {
                attention.Attend(
                    (nint)start, caches.Length, pages.Max(addresses => addresses.Length), TensorMemory.DataPointer(queries), columns, TensorMemory.DataPointer(output), layer, 1 / MathF.Sqrt(geometry.HeadDim));
            }
        }

        return [.. AttentionCheck.ToArray(output).Chunk(columns)];
    }

    private static void AssertClose(float[] expected, float[] actual, double tolerance, string of)
    {
        double scale = Math.Sqrt(expected.Average(value => (double)value * value));
        double[] errors = [.. expected.Zip(actual, (e, a) => Math.Abs((double)e - a) / scale)];
        TestContext.Current.TestOutputHelper?.WriteLine($"{of}: largest error {errors.Max():E2}, mean {errors.Average():E2} of the outputs' scale");
        Assert.True(errors.Average() <= tolerance && errors.Max() <= 8 * tolerance, $"{of}: largest error {errors.Max():E2}, mean {errors.Average():E2} of the outputs' scale.");
    }
}
