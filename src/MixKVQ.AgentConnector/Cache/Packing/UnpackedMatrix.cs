namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>The lines of a matrix that is to be packed. Borrowed.</summary>
/// <param name="elements">From the first line's first element on; all finite.</param>
/// <param name="stride">Elements from one line's start to the next.</param>
/// <param name="length">Elements of a line.</param>
/// <param name="minima">The smallest element of each line.</param>
/// <param name="maxima">The largest element of each line.</param>
internal readonly ref struct UnpackedMatrix(ReadOnlySpan<float> elements, int stride, int length, ReadOnlySpan<float> minima, ReadOnlySpan<float> maxima)
{
    private readonly ReadOnlySpan<float> _elements = elements;

    /// <summary>The smallest element of each line.</summary>
    public ReadOnlySpan<float> Minima { get; } = minima;

    /// <summary>The largest element of each line.</summary>
    public ReadOnlySpan<float> Maxima { get; } = maxima;

    /// <summary>The elements of a line.</summary>
    public ReadOnlySpan<float> Line(int index) => _elements.Slice(index * stride, length);
}
