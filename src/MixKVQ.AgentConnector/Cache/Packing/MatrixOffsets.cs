namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Where the parts of a matrix begin, in bytes from its start; see <see cref="MatrixLayout"/>. Padding begins at <c>ZerosEnd</c> and <c>FullEnd</c>.</summary>
internal readonly record struct MatrixOffsets(
    int Widths, int Scales, int Zeros, int ZerosEnd, int Low, int Third, int Fourth, int High, int Full, int FullEnd, int End)
{
    /// <summary>How the matrix's bytes divide.</summary>
    public PageContents Contents => new(FullEnd - Low, Widths + ZerosEnd - Scales, Scales - Widths, Low - ZerosEnd + End - FullEnd);
}
