namespace MixKVQ.AgentConnector.Cache;

/// <summary>How a page's slab, or the slabs of many pages, divide into codes and what it takes to read them.</summary>
/// <param name="CodeBytes">Quantized codes and elements kept in the model's type.</param>
/// <param name="ScaleBytes">Scales and zeros with the units they are stored in.</param>
/// <param name="IndexBytes">The page header and the widths from which the channels' order follows.</param>
/// <param name="PaddingBytes">Bytes of the slab that hold nothing: between the parts, which begin at multiples of 16 bytes, and at the end.</param>
internal readonly record struct PageContents(long CodeBytes, long ScaleBytes, long IndexBytes, long PaddingBytes)
{
    /// <summary>The slabs' bytes.</summary>
    public long TotalBytes => CodeBytes + ScaleBytes + IndexBytes + PaddingBytes;

    public static PageContents operator +(PageContents a, PageContents b) =>
        new(a.CodeBytes + b.CodeBytes, a.ScaleBytes + b.ScaleBytes, a.IndexBytes + b.IndexBytes, a.PaddingBytes + b.PaddingBytes);
}
