namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Where the parts of a matrix begin, in bytes from its start; see <see cref="MatrixLayout"/>.</summary>
internal readonly record struct MatrixOffsets(int Widths, int Scales, int Zeros, int Low, int Third, int Fourth, int High, int Full, int End)
{
    /// <summary>Bytes of codes and unquantized elements.</summary>
    public int CodeBytes => End - Low;

    /// <summary>Bytes of units, scales and zeros.</summary>
    public int AffineBytes => Widths + Low - Scales;

    /// <summary>Bytes of the widths.</summary>
    public int WidthBytes => Scales - Widths;
}
