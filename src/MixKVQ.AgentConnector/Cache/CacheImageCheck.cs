using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Checks the bytes of a <see cref="CacheImage"/> that came from a stranger. Its pages were checked when they were read.</summary>
internal static class CacheImageCheck
{
    /// <summary>Returns the shape that the image is known to have.</summary>
    /// <exception cref="InvalidDataException">The image does not belong to such a cache; the message says why.</exception>
    public static CacheImageShape Require(CacheImage image, PackedPageLayout layout)
    {
        var shape = new CacheImageShape(layout.Geometry, image.TokenCount);
        if (image.TokenCount < 0 || image.Pages.Count != shape.PageCount)
        {
            throw new InvalidDataException($"A saved cache of {image.TokenCount} tokens has {image.Pages.Count} pages, but {Math.Max(0, shape.PageCount)} belong to it.");
        }

        RequireLength("sinks", image.Sinks.Length, shape.SinksBytes, shape.TokenCount);
        RequireLength("open part", image.Open.Length, shape.OpenBytes, shape.TokenCount);
        RequireFinite("first tokens", image.Sinks.Span, layout.Keys.Format);
        RequireFinite("first tokens", image.Open.Span[..shape.OpenSinkBytes], layout.Keys.Format);
        RequireFinite("last tokens", image.Open.Span.Slice(shape.OpenSinkBytes, shape.TailBytes), layout.Keys.Format);
        return shape;
    }

    private static void RequireLength(string part, int actual, int expected, int tokenCount)
    {
        if (actual != expected)
        {
            throw new InvalidDataException($"The {part} of a saved cache of {tokenCount} tokens are {actual} bytes; {expected} belong to it.");
        }
    }

    private static void RequireFinite(string part, ReadOnlySpan<byte> rows, ElementFormat format)
    {
        if (!format.AreFinite(rows))
        {
            throw new InvalidDataException($"The {part} of a saved cache hold a key or value that is NaN or infinite.");
        }
    }
}
