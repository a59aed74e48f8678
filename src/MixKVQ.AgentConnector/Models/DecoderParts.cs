namespace MixKVQ.AgentConnector.Models;

/// <summary>What a decoder is made of, as decode steps use it. Borrowed, all of it.</summary>
/// <param name="Embedding">A row for each token id.</param>
/// <param name="Layers">In order.</param>
/// <param name="FinalNorm">Before the output.</param>
/// <param name="Output">A row for each token id.</param>
/// <param name="Rotary">The positions.</param>
internal sealed record DecoderParts(
    IModelMatrix Embedding, IReadOnlyList<DecoderLayer> Layers, RmsNorm FinalNorm, Projection Output, RotaryEmbedding Rotary);
