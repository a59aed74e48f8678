namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>What was measured with one length of history.</summary>
/// <param name="Tokens">The tokens of the history.</param>
/// <param name="Memory">The bytes of its cache in memory.</param>
/// <param name="Disk">The bytes of the folder with this conversation alone.</param>
/// <param name="FullPrecision">What the cache would take in 16 bit.</param>
/// <param name="BitsPerElement">All bytes in memory, in bits for each element.</param>
/// <param name="Retained">Turns with the cache in memory.</param>
/// <param name="Evicted">Turns whose cache had left memory and came back from disk.</param>
/// <param name="Restarted">First turns of a new client.</param>
/// <param name="Anew">Turns whose cache is lost: all tokens are read again.</param>
internal sealed record LatencyResult(
    int Tokens,
    long Memory,
    long Disk,
    long FullPrecision,
    double BitsPerElement,
    IReadOnlyList<TimedTurn> Retained,
    IReadOnlyList<TimedTurn> Evicted,
    IReadOnlyList<TimedTurn> Restarted,
    IReadOnlyList<TimedTurn> Anew);
