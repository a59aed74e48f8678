namespace MixKVQ.AgentConnector;

/// <summary>
/// How probable a token was by the model's own distribution: the softmax of its logits before temperature, penalties, biases and whatever
/// else narrows the choice. Immutable.
/// </summary>
/// <param name="tokenId">The token's id.</param>
/// <param name="text">Its text; bytes that are no whole character are U+FFFD.</param>
/// <param name="bytes">Its bytes, which joined over tokens are the text in UTF-8.</param>
/// <param name="logProbability">The natural logarithm of its probability.</param>
/// <param name="alternatives">The most probable tokens in its place, best first; of an alternative none.</param>
public sealed class TokenLogProbability(int tokenId, string text, ReadOnlyMemory<byte> bytes, float logProbability, IReadOnlyList<TokenLogProbability> alternatives)
{
    /// <summary>The token's id.</summary>
    public int TokenId { get; } = tokenId;

    /// <summary>The token's text; bytes that are no whole character are U+FFFD.</summary>
    public string Text { get; } = text;

    /// <summary>The token's bytes, which joined over tokens are the text in UTF-8.</summary>
    public ReadOnlyMemory<byte> Bytes { get; } = bytes;

    /// <summary>The natural logarithm of the token's probability.</summary>
    public float LogProbability { get; } = logProbability;

    /// <summary>
    /// As many of the most probable tokens as were asked for, best first; the chosen token is among them only if it is one of them. Of an
    /// alternative none.
    /// </summary>
    public IReadOnlyList<TokenLogProbability> Alternatives { get; } = alternatives;
}
