namespace MixKVQ.AgentConnector.Cache;

/// <summary>The bytes a cache holds, all of them, and what they hold. A page shared with a fork counts in full in each.</summary>
internal sealed record CacheUsage
{
    /// <summary>Tokens held.</summary>
    public required int TokenCount { get; init; }

    /// <summary>Key and value elements held: tokens · layers · KV heads · head dimension · 2.</summary>
    public required long Elements { get; init; }

    /// <summary>Elements in sealed pages.</summary>
    public required long SealedElements { get; init; }

    /// <summary>What the sealed pages' slabs hold, rounding included.</summary>
    public required PageContents Pages { get; init; }

    /// <summary>Bytes allocated for the first 32 tokens.</summary>
    public required long SinkBytes { get; init; }

    /// <summary>Bytes allocated for the tail: always room for 128 tokens, filled or not.</summary>
    public required long TailBytes { get; init; }

    /// <summary>Bytes of the query statistics that the next page's plan needs.</summary>
    public required long StatisticsBytes { get; init; }

    /// <summary>All bytes held.</summary>
    public long TotalBytes => Pages.TotalBytes + SinkBytes + TailBytes + StatisticsBytes;

    /// <summary>True bits an element: all bytes over all elements, 0 for an empty cache.</summary>
    public double BitsPerElement => Elements == 0 ? 0 : 8.0 * TotalBytes / Elements;

    /// <summary>True bits an element of the sealed pages alone, 0 where there is none.</summary>
    public double SealedBitsPerElement => SealedElements == 0 ? 0 : 8.0 * Pages.TotalBytes / SealedElements;

    /// <summary>What the same elements take at 16 bits.</summary>
    public long FullPrecisionBytes => 2 * Elements;
}
