using CsCheck;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Paging;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Cache;

public sealed class PageReadTests
{
    private static readonly KvCachePolicy[] Policies = Enum.GetValues<KvCachePolicy>();

    private static readonly torch.ScalarType[] Types = [torch.ScalarType.Float32, torch.ScalarType.BFloat16, torch.ScalarType.Float16];

    [Fact]
    public void ASealedPage_IsReadBackWithItsContents() =>
        Gen.Select(Gen.Int[0, Policies.Length - 1], Gen.Int[0, 2], Gen.Int[0, 2], Gen.Bool, Gen.Int[1, 1000]).Sample(
            (policy, type, size, groupsValues, seed) =>
            {
                CacheGeometry geometry = CacheDriver.SmallGeometry(headDim: 16 << size, dtype: Types[type]);
                using var driver = new CacheDriver(geometry, 160, seed);
                using var factory = new KvCacheFactory(geometry, new KvCacheOptions { Policy = Policies[policy], TargetBits = 6, ValueGroupSize = groupsValues ? 8 : null });
                using KvCache cache = factory.Create();
                driver.Feed(cache, 160);
                Page original = cache.Layer(0).View.Pages[0];
                Page read = factory.ReadPage(original.Bytes);
                Assert.True(original.Bytes.SequenceEqual(read.Bytes));
                Assert.Equal(original.Contents, read.Contents);
                Assert.Equal(1, read.ReferenceCount);
                read.Release();
            },
            iter: 40,
            threads: 1);

    public static TheoryData<KvCachePolicy, string, string> Damages => new()
    {
        { KvCachePolicy.MixKvq, "empty", "A page of 0 bytes cannot be read: pages of this cache have" },
        { KvCachePolicy.MixKvq, "cut", "cannot be read" },
        { KvCachePolicy.MixKvq, "grown", "cannot be read" },
        { KvCachePolicy.Uniform2, "empty", "a multiple of 64" },
        { KvCachePolicy.Uniform2, "cut", "before the page's end, but take" },
        { KvCachePolicy.MixKvqThresholds, "grown", "what follows is no padding" },
        { KvCachePolicy.MixKvq, "offset", "Layer 1, KV head 0: the page's header places the keys at byte 4294967295; they belong at" },
        { KvCachePolicy.MixKvq, "next offset", "Layer 0, KV head 0: the page's header places the values at byte" },
        { KvCachePolicy.MixKvq, "zero bytes", "Layer 0, KV head 0: the page's keys say that zeros take 3 bytes; 1 or 2 belong there" },
        { KvCachePolicy.Uniform4, "zero bytes", "the page's keys say that zeros take 3 bytes; 2 belong there" },
        { KvCachePolicy.MixKvqThresholds, "width", "the page's keys give a line a width that is none of 2, 4, 16" },
        { KvCachePolicy.MixKvq, "scale unit", "the page's keys have NaN as the unit of scales" },
        { KvCachePolicy.MixKvq, "negative unit", "the page's keys have -1 as the unit of scales" },
        { KvCachePolicy.MixKvq, "zero origin", "as zeros; finite numbers belong there" },
        { KvCachePolicy.MixKvq, "huge unit", "which stands for no finite elements" },
        { KvCachePolicy.Uniform4, "scale", "have a line with scale NaN" },
        { KvCachePolicy.FullPrecision, "element", "Layer 0, KV head 0: the page's keys hold an element that is NaN or infinite" },
        { KvCachePolicy.Uniform2, "padding", "what follows is no padding" },
        { KvCachePolicy.MixKvq, "inner padding", "Layer 0, KV head 0: the page's keys have padding that is not zero" },
        { KvCachePolicy.Uniform2, "far zero bytes", "the page's keys say that zeros take 16777218 bytes; 2 belong there" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void ADamagedPage_IsRefusedByName(KvCachePolicy policy, string damage, string expected)
    {
        using var cases = new SmallCache(160, policy);
        Page page = cases.Cache.Layer(0).View.Pages[0];
        byte[] slab = page.Bytes.ToArray();
        PackedPageLayout layout = cases.Factory.Layout;
        int keys = layout.KeysOffset(slab, 0);
        switch (damage)
        {
            case "empty":
                slab = [];
                break;
            case "cut":
                slab = slab[..^64];
                break;
            case "grown":
                slab = [.. slab, .. new byte[64]];
                break;
            case "offset":
                BitConverter.TryWriteBytes(slab.AsSpan(4 * 4), -1);
                break;
            case "next offset":
                BitConverter.TryWriteBytes(slab.AsSpan(4), layout.ValuesOffset(slab, 0, 0) + 16);
                break;
            case "zero bytes":
                slab[keys + 12] = 3;
                break;
            case "width":
                slab[keys + 16] |= 3;
                break;
            case "inner padding":
                slab[keys + layout.Keys.Offsets(default(WidthCounts) with { Quantized = 32 }, slab[keys + 12]).ZerosEnd] = 1;
                break;
            case "far zero bytes":
                slab[keys + 15] = 1;
                break;
            case "scale unit":
                BitConverter.TryWriteBytes(slab.AsSpan(keys), float.NaN);
                break;
            case "negative unit":
                BitConverter.TryWriteBytes(slab.AsSpan(keys), -1f);
                break;
            case "zero origin":
                BitConverter.TryWriteBytes(slab.AsSpan(keys + 4), float.PositiveInfinity);
                break;
            case "huge unit":
                BitConverter.TryWriteBytes(slab.AsSpan(keys), float.MaxValue);
                break;
            case "scale":
                slab.AsSpan(keys + 16, 2).Fill(0xFF);
                break;
            case "element":
                slab.AsSpan(keys + 40, 4).Fill(0xFF);
                break;
            default:
                slab[^1] = 1;
                break;
        }

        long held = cases.Factory.HeldBytes;
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => cases.Factory.ReadPage(slab));
        Assert.Contains(expected, fault.Message);
        Assert.Equal((held, 1), (cases.Factory.HeldBytes, cases.Factory.Pool.LivePageCount));
    }
}
