using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>Decides how many bits each key channel and value group of a page gets. Stateless: a plan depends on its page's statistics only. Safe for concurrent callers.</summary>
internal interface ICachePolicy
{
    /// <summary>Widths a key channel may get.</summary>
    WidthPalette KeyWidths { get; }

    /// <summary>Widths a value group may get.</summary>
    WidthPalette ValueWidths { get; }

    /// <summary>Bytes of a stored scale and the largest number of bytes of a stored zero: 1 lets zeros take 1 or 2 as they need.</summary>
    int ScaleBytes { get; }

    /// <summary>How scales and zeros of values are chosen; keys always cover their range.</summary>
    LineFit ValueFit { get; }

    /// <summary>True bits an element that every page takes, or null where a page takes what its plan needs.</summary>
    double? TargetBits { get; }

    /// <summary>Plans a page.</summary>
    /// <param name="page">Statistics of the page's own tokens.</param>
    /// <param name="spareBytes">Bytes that the slab has beyond the base widths. A policy with a target must not exceed it; without one it is unbounded.</param>
    /// <param name="widths">Where each line's width is written, [block, line] as in <paramref name="page"/>.</param>
    void Plan(PageStatistics page, long spareBytes, Span<byte> widths);
}
