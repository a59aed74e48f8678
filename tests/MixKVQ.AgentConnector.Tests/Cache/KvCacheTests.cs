using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache;

public sealed class KvCacheTests : IDisposable
{
    private readonly CacheGeometry _geometry = CacheDriver.SmallGeometry();
    private readonly CacheDriver _driver;
    private readonly KvCacheFactory _factory;

    public KvCacheTests()
    {
        _driver = new CacheDriver(_geometry, 600);
        _factory = new KvCacheFactory(_geometry, new KvCacheOptions { TargetBits = 2.75 });
    }

    public void Dispose()
    {
        _factory.Pool.CheckIntegrity();
        Assert.Equal(0, _factory.Pool.LiveBytes);
        _factory.Dispose();
        Assert.Equal(0, _factory.Pool.AllocatedBytes);
        _driver.Dispose();
    }

    [Theory]
    [InlineData(0, 160, 0)]
    [InlineData(31, 129, 0)]
    [InlineData(32, 128, 0)]
    [InlineData(159, 1, 0)]
    [InlineData(160, 128, 1)]
    [InlineData(420, 124, 3)]
    public void TokensToPageBorder_CountsToTheEndOfThePageUnderWay(int tokens, int expected, int pages)
    {
        using KvCache cache = _factory.Create();
        _driver.Feed(cache, tokens);
        Assert.Equal(tokens, cache.TokenCount);
        Assert.Equal(expected, cache.TokensToPageBorder);
        Assert.Equal(pages, cache.Layer(0).View.Pages.Count);
        Assert.Equal(tokens, cache.Layer(1).View.TokenCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void Content_DependsOnTheTokensNotOnTheSteps(int stepTokens)
    {
        using KvCache whole = _factory.Create();
        using KvCache pieces = _factory.Create();
        _driver.Feed(whole, 450);
        _driver.Feed(pieces, 450, stepTokens);
        AssertSame(whole, pieces);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Content_IsTheSameWhetherTokensComeAsTensorsOrAsFloats(ScalarType dtype)
    {
        using var driver = new CacheDriver(CacheDriver.SmallGeometry(dtype: dtype), 330);
        using var factory = new KvCacheFactory(driver.Geometry, new KvCacheOptions { Policy = KvCachePolicy.Uniform4 });
        using KvCache expected = factory.Create();
        using KvCache actual = factory.Create();
        driver.Feed(expected, 330);
        driver.Feed(actual, 20);
        driver.FeedFloats(actual, 330);
        AssertSame(expected, actual);
        using CacheImage first = expected.Export(), second = actual.Export();
        Assert.Equal(first.Open.ToArray(), second.Open.ToArray());
    }

    [Fact]
    public void Floats_AreRefusedWhereTheyDoNotFit()
    {
        using KvCache cache = _factory.Create();
        float[] queries = new float[4 * 32], keys = new float[2 * 32];
        Assert.Throws<ArgumentException>(() => cache.Layer(0).Append(queries, keys, keys.AsSpan(1), queries));
        Assert.Throws<ArgumentException>(() => cache.Layer(0).Append(keys, keys, keys, queries));
        cache.Layer(0).Append(queries, keys, keys, queries);
        Assert.Throws<InvalidOperationException>(() => cache.Layer(0).Append(queries, keys, keys, queries));
    }

    [Fact]
    public void APage_DependsOnNoLaterToken()
    {
        using var other = new CacheDriver(_geometry, 600, seed: 2);
        using KvCache first = _factory.Create();
        using KvCache second = _factory.Create();
        _driver.Feed(first, 288);
        _driver.Feed(second, 288);
        _driver.Feed(first, 600);
        other.Feed(second, 600);
        Assert.Equal(4, second.Layer(0).View.Pages.Count);
        Assert.True(SamePage(first, second, 0) && SamePage(first, second, 1));
        Assert.False(SamePage(first, second, 2));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(300)]
    public void AFork_GoesOnLikeItsOrigin(int tokens)
    {
        using KvCache cache = _factory.Create();
        _driver.Feed(cache, tokens);
        using KvCache fork = cache.Fork();
        AssertSame(cache, fork);
        _driver.Feed(fork, 470);
        Assert.Equal(tokens, cache.TokenCount);
        _driver.Feed(cache, 470, 3);
        AssertSame(cache, fork);
    }

    [Fact]
    public void AFork_SharesSealedPagesUntilTheLastHolderReleasesThem()
    {
        KvCache cache = _factory.Create();
        _driver.Feed(cache, 300);
        long live = _factory.Pool.LiveBytes;
        KvCache fork = cache.Fork();
        Assert.Equal(live, _factory.Pool.LiveBytes);
        Assert.Same(cache.Layer(0).View.Pages[1], fork.Layer(0).View.Pages[1]);
        cache.Dispose();
        Assert.Equal(live, _factory.Pool.LiveBytes);
        _driver.Feed(fork, 420);
        fork.Dispose();
        fork.Dispose();
    }

    [Theory]
    [InlineData(600, 420, 416)]
    [InlineData(416, 420, 416)]
    [InlineData(300, 420, 288)]
    [InlineData(159, 420, 32)]
    [InlineData(31, 420, 0)]
    [InlineData(0, 420, 0)]
    [InlineData(600, 20, 0)]
    [InlineData(600, 32, 32)]
    public void TruncateToPageBorder_GoesToTheHighestBorderAndOnAsIfNothingHadBeen(int maxTokens, int tokens, int expected)
    {
        using KvCache cache = _factory.Create();
        using var other = new CacheDriver(_geometry, 600, seed: 3);
        _driver.Feed(cache, Math.Min(tokens, Math.Max(expected, 1)));
        other.Feed(cache, tokens);
        using KvCache witness = cache.Fork();
        Assert.Equal(expected, cache.TruncateToPageBorder(maxTokens));
        Assert.Equal(expected, cache.TokenCount);
        _driver.Feed(cache, 500);
        using KvCache fresh = _factory.Create();
        _driver.Feed(fresh, 500);
        AssertSame(fresh, cache);
        Assert.Equal(tokens, witness.TokenCount);
    }

    [Theory]
    [InlineData(10, 20, 10, 0)]
    [InlineData(40, 5, 45, 32)]
    [InlineData(160, 7, 167, 160)]
    [InlineData(160, 7, 150, 32)]
    [InlineData(300, 1, 300, 288)]
    public void AStepThatIsAbandoned_LeavesThePageBorderAndGoesOnAsIfNothingHadBeen(int tokens, int step, int maxTokens, int expected)
    {
        using var other = new CacheDriver(_geometry, 600, seed: 3);
        using KvCache cache = _factory.Create();
        _driver.Feed(cache, tokens);
        other.Append(cache, step);
        Assert.Equal(expected, cache.AbandonStep(maxTokens));
        Assert.Equal(expected, cache.TokenCount);
        _driver.Feed(cache, 450);
        using KvCache fresh = _factory.Create();
        _driver.Feed(fresh, 450);
        AssertSame(fresh, cache);
    }

    [Fact]
    public void AStepThatCannotBeSealed_CanBeAbandoned()
    {
        using var broken = new CacheDriver(_geometry, 300);
        using (Tensor place = broken.Keys[250, 0, 0, 0])
        {
            using Scalar element = float.NaN;
            place.fill_(element);
        }

        using KvCache cache = _factory.Create();
        _driver.Feed(cache, 200);
        Assert.Throws<ArithmeticException>(() => broken.Feed(cache, 288));
        Assert.Equal(160, cache.AbandonStep(287));
        _driver.Feed(cache, 300);
        using KvCache fresh = _factory.Create();
        _driver.Feed(fresh, 300);
        AssertSame(fresh, cache);
    }

    [Fact]
    public void Usage_CountsWhatIsAllocated()
    {
        foreach (KvCachePolicy policy in Enum.GetValues<KvCachePolicy>())
        {
            using var factory = new KvCacheFactory(_geometry, new KvCacheOptions { Policy = policy, TargetBits = 2.75 });
            using KvCache cache = factory.Create();
            _driver.Feed(cache, 450);
            CacheUsage usage = cache.Usage;
            IReadOnlyList<Page> pages = cache.Layer(0).View.Pages;
            Assert.Equal(factory.Pool.LiveBytes, usage.Pages.TotalBytes);
            Assert.Equal(pages.Sum(page => page.Bytes.Length), usage.Pages.TotalBytes);
            Assert.Equal(32L * 2 * 2 * 2 * 32 * 4, usage.SinkBytes);
            Assert.Equal(128L * 2 * 2 * 2 * 32 * 4, usage.TailBytes);
            Assert.Equal(450L * 2 * 2 * 2 * 32, usage.Elements);
            Assert.Equal(384L * 2 * 2 * 2 * 32, usage.SealedElements);
            Assert.True(usage.Pages.PaddingBytes < pages.Count * (64 + 16 + 2 * 16 * factory.Geometry.BlockCount * factory.Layout.MatricesPerBlock), $"{policy} leaves {usage.Pages.PaddingBytes} bytes unused.");
            Assert.Equal(8.0 * usage.TotalBytes / usage.Elements, usage.BitsPerElement);
        }
    }

    [Theory]
    [InlineData(2.6)]
    [InlineData(2.75)]
    [InlineData(3)]
    [InlineData(4.2)]
    public void ABudgetsPages_TakeItsBitsToWithinRounding(double bits)
    {
        using var factory = new KvCacheFactory(_geometry, new KvCacheOptions { TargetBits = bits });
        using KvCache cache = factory.Create();
        _driver.Feed(cache, 420);
        Assert.InRange(cache.Usage.SealedBitsPerElement, bits - 64 * 8.0 / (128 * 2 * 2 * 2 * 32), bits);
        Assert.Equal(factory.PageBytes, cache.Layer(0).View.Pages[0].SlabBytes);
    }

    [Fact]
    public void ATargetBelowTheLeastPossible_IsRefusedWithTheLeast()
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => new KvCacheFactory(_geometry, new KvCacheOptions { TargetBits = 2.1 }));
        double least = double.Parse(fault.Message.Split("take up to ")[1].Split(". Set")[0]);
        using var factory = new KvCacheFactory(_geometry, new KvCacheOptions { TargetBits = least });
        Assert.InRange(least, 2.2, 2.6);
    }

    [Theory]
    [InlineData(true, float.NaN)]
    [InlineData(true, float.PositiveInfinity)]
    [InlineData(false, float.NaN)]
    [InlineData(false, float.NegativeInfinity)]
    public void WhatIsNotFinite_IsRefusedByNameAndLeavesTheOriginAsItWas(bool inKeys, float element)
    {
        using KvCache cache = _factory.Create();
        _driver.Feed(cache, 200);
        CacheUsage before = cache.Usage;
        using (KvCache fork = cache.Fork())
        {
            using var broken = new CacheDriver(_geometry, 300);
            using (Tensor place = (inKeys ? broken.Keys : broken.Values)[230, 1, 0, 5])
            {
                using Scalar filled = element;
                place.fill_(filled);
            }

            ArithmeticException fault = Assert.Throws<ArithmeticException>(() => broken.Feed(fork, 300));
            Assert.Contains($"Layer 1, KV head 0: channel 5 of the {(inKeys ? "key" : "value")} at position 230 is ", fault.Message);
        }

        Assert.Equal(before, cache.Usage);
        _driver.Feed(cache, 300);
    }

    [Fact]
    public void ASinkThatIsNotFinite_IsRefusedWithTheFirstPage()
    {
        using KvCache cache = _factory.Create();
        using var broken = new CacheDriver(_geometry, 160);
        using (Tensor place = broken.Values[3, 0, 1, 31])
        {
            using Scalar element = float.NaN;
            place.fill_(element);
        }

        broken.Feed(cache, 159);
        ArithmeticException fault = Assert.Throws<ArithmeticException>(() => broken.Feed(cache, 160));
        Assert.Contains("Layer 0, KV head 1: channel 31 of the value at position 3 is NaN", fault.Message);
    }

    [Fact]
    public void MisuseOfAStep_IsNamed()
    {
        using KvCache cache = _factory.Create();
        Assert.Contains("crosses the page border", Assert.Throws<InvalidOperationException>(() => _driver.Append(cache, 161)).Message);
        _driver.Append(cache, 2);
        Assert.Contains("appended in this step already", Assert.Throws<InvalidOperationException>(() => _driver.Append(cache, 2)).Message);
        Assert.Throws<InvalidOperationException>(() => cache.Fork());
        cache.CompleteStep();
        using Tensor wrong = zeros(1, 2, 16);
        Assert.Throws<ArgumentException>(() => cache.Layer(0).Append(wrong, wrong, wrong, null));
        using Tensor queries = zeros(1, 4, 32), keys = zeros(1, 2, 32);
        cache.Layer(0).Append(queries, keys, keys, null);
        Assert.Contains("layer 1", Assert.Throws<InvalidOperationException>(cache.CompleteStep).Message);
    }

    [Fact]
    public void ACacheMadeAndFedInsideADisposeScope_OutlivesIt()
    {
        KvCache cache;
        using (NewDisposeScope())
        {
            cache = _factory.Create();
            _driver.Feed(cache, 180);
        }

        using (cache)
        {
            _driver.Feed(cache, 300);
            using KvCache fresh = _factory.Create();
            _driver.Feed(fresh, 300);
            AssertSame(fresh, cache);
        }
    }

    [Fact]
    public void NoTensorOutlivesItsCache()
    {
        using var statistics = NewDisposeScope();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (KvCache cache = _factory.Create())
        {
            _driver.Feed(cache, 300);
            using KvCache fork = cache.Fork();
            fork.TruncateToPageBorder(0);
            _driver.Feed(fork, 20);
            using KvCache small = fork.Fork();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static bool SamePage(KvCache a, KvCache b, int page) =>
        a.Layer(0).View.Pages[page].Bytes.SequenceEqual(b.Layer(0).View.Pages[page].Bytes);

    private static void AssertSame(KvCache expected, KvCache actual)
    {
        Assert.Equal(expected.TokenCount, actual.TokenCount);
        for (int page = 0; page < expected.Layer(0).View.Pages.Count; page++)
        {
            Assert.True(SamePage(expected, actual, page), $"Page {page} differs.");
        }

        for (int layer = 0; layer < 2; layer++)
        {
            AssertSameRows(expected.Layer(layer).View.Sinks, actual.Layer(layer).View.Sinks);
            AssertSameRows(expected.Layer(layer).View.Tail, actual.Layer(layer).View.Tail);
        }
    }

    private static void AssertSameRows(DensePart expected, DensePart actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach ((Tensor a, Tensor b) in new[] { (expected.Keys, actual.Keys), (expected.Values, actual.Values) })
        {
            using Tensor rowsA = a.narrow(1, 0, expected.Count), rowsB = b.narrow(1, 0, expected.Count);
            Assert.True(rowsA.equal(rowsB).all().item<bool>());
        }
    }
}
