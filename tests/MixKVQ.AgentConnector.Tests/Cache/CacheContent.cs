using MixKVQ.AgentConnector.Cache;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache;

/// <summary>What kernels see of a cache, byte by byte.</summary>
internal static class CacheContent
{
    public static void AssertSame(KvCache expected, KvCache actual, int layers)
    {
        Assert.Equal(expected.TokenCount, actual.TokenCount);
        for (int layer = 0; layer < layers; layer++)
        {
            (CacheView a, CacheView b) = (expected.Layer(layer).View, actual.Layer(layer).View);
            Assert.Equal(a.Pages.Select(page => page.Read().ToArray()), b.Pages.Select(page => page.Read().ToArray()));
            Assert.Equal(a.Pages.Select(page => page.Contents), b.Pages.Select(page => page.Contents));
            AssertSameRows(a.Sinks, b.Sinks);
            AssertSameRows(a.Tail, b.Tail);
        }
    }

    /// <summary>Pages of 128 tokens as bytes, oldest first.</summary>
    public static byte[][] Pages(CacheImage image) => [.. image.Pages.Select(page => page.Read().ToArray())];

    /// <summary>The image as it is when it was written and read back: bytes of its own, pages read by <paramref name="factory"/>.</summary>
    public static CacheImage WrittenAndRead(CacheImage image, KvCacheFactory factory) => new(
        image.TokenCount, image.Sinks.ToArray(), image.Open.ToArray(), [.. Pages(image).Select(page => factory.ReadPage(page))]);

    private static void AssertSameRows(DensePart expected, DensePart actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        Assert.Equal(Rows(expected.Keys, expected.Count), Rows(actual.Keys, expected.Count));
        Assert.Equal(Rows(expected.Values, expected.Count), Rows(actual.Values, expected.Count));
    }

    private static byte[] Rows(Tensor lines, int count)
    {
        using Tensor part = lines.narrow(1, 0, count);
        using Tensor rows = part.contiguous();
        return rows.bytes.ToArray();
    }
}
