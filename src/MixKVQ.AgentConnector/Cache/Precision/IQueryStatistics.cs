using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>What is gathered, token by token, for the next page's plan; <see cref="QueryStatistics"/> says what and why. Not thread-safe.</summary>
internal interface IQueryStatistics : IDisposable
{
    /// <summary>Bytes held.</summary>
    long Bytes { get; }

    /// <summary>Adds a layer's tokens from <paramref name="firstToken"/> on.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="queries">[tokens, queryHeads, headDim], post-RoPE, any float type; borrowed.</param>
    /// <param name="residual">[tokens, hidden], the layer's input, or null where layers weigh alike; borrowed.</param>
    /// <param name="firstToken">How many of the step's first tokens to leave out.</param>
    void Add(int layer, Tensor queries, Tensor? residual, int firstToken);

    /// <summary>Adds one token of a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="queries">[queryHeads, headDim], post-RoPE.</param>
    /// <param name="residual">[hidden], the layer's input; empty where layers weigh alike.</param>
    void Add(int layer, ReadOnlySpan<float> queries, ReadOnlySpan<float> residual);

    /// <summary>Forgets all: a page begins.</summary>
    void Reset();

    /// <summary>Statistics of their own with the same sums, the caller's to dispose.</summary>
    IQueryStatistics Copy();

    /// <summary>Writes all sums and counts, <see cref="Bytes"/> bytes, in the machine's byte order (little-endian wherever libtorch runs).</summary>
    void Write(Span<byte> target);
}
