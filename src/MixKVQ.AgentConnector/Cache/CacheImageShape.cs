using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>How many rows and bytes the parts of a <see cref="CacheImage"/> have.</summary>
/// <param name="Geometry">The cache's geometry.</param>
/// <param name="TokenCount">Tokens held.</param>
internal readonly record struct CacheImageShape(CacheGeometry Geometry, int TokenCount)
{
    /// <summary>Rows of the sinks.</summary>
    public int SinkRows => Math.Min(TokenCount, CacheGeometry.SinkTokens);

    /// <summary>Whether the sinks change no more.</summary>
    public bool HasAllSinks => SinkRows == CacheGeometry.SinkTokens;

    /// <summary>Sealed pages.</summary>
    public int PageCount => CacheGeometry.PagesIn(TokenCount);

    /// <summary>Rows of the tail.</summary>
    public int TailRows => HasAllSinks ? TokenCount - CacheGeometry.PageBorder(TokenCount) : 0;

    /// <summary>Bytes of <see cref="CacheImage.Sinks"/>.</summary>
    public int SinksBytes => HasAllSinks ? RowBytes(SinkRows) : 0;

    /// <summary>Bytes of the sinks' rows in <see cref="CacheImage.Open"/>.</summary>
    public int OpenSinkBytes => HasAllSinks ? 0 : RowBytes(SinkRows);

    /// <summary>Bytes of the tail's rows in <see cref="CacheImage.Open"/>.</summary>
    public int TailBytes => RowBytes(TailRows);

    /// <summary>Bytes of <see cref="CacheImage.Open"/>.</summary>
    public int OpenBytes => OpenSinkBytes + TailBytes + (int)QueryStatistics.BytesFor(Geometry);

    private int RowBytes(int rows) => checked((int)TokenBuffer.BytesFor(Geometry, rows));
}
