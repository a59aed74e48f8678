using CsCheck;
using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Tests.Cache.Precision;

public sealed class RadixSortTests
{
    [Fact]
    public void Sort_OrdersByKeyAndKeepsTheOrderOfEquals() => Gen.OneOf(Gen.UInt, Gen.UInt[0, 3], Gen.UInt[uint.MaxValue - 5000, uint.MaxValue]).Array[0, 3000].Sample(keys =>
    {
        uint[] items = [.. Enumerable.Range(0, keys.Length).Select(i => (uint)i)];
        uint[] expected = [.. items.OrderBy(item => keys[item])];
        uint[] sorted = [.. keys];
        RadixSort.Sort(sorted, items);
        Assert.Equal(expected, items);
        Assert.Equal(keys.Order(), sorted);
    });
}
