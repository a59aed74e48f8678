namespace MixKVQ.AgentConnector;

/// <summary>What the caches of all conversations hold at one moment. Immutable.</summary>
public sealed record ConversationCacheReport
{
    internal ConversationCacheReport()
    {
    }

    /// <summary>How many conversations are known.</summary>
    public int ConversationCount { get; internal init; }

    /// <summary>How many of them have their cache in memory.</summary>
    public int InMemoryCount { get; internal init; }

    /// <summary>How many turns wait for memory.</summary>
    public int WaitingTurns { get; internal init; }

    /// <summary>The bytes in memory of retained caches: codes, scales, zeros, widths, first tokens and tails. What several conversations share counts once.</summary>
    public long MemoryBytes { get; internal init; }

    /// <summary>The same bytes with what is shared counted in every conversation that holds it.</summary>
    public long UnsharedBytes { get; internal init; }

    /// <summary>What the same caches would take in 16 bit, with nothing shared.</summary>
    public long FullPrecisionBytes { get; internal init; }

    /// <summary><see cref="MemoryBytes"/> in bits for each key and value element that a conversation in memory sees.</summary>
    public double BitsPerElement { get; internal init; }

    /// <summary>The most that all caches may take in memory.</summary>
    public long MemoryLimitBytes { get; internal init; }

    /// <summary>The bytes on disk; what several conversations share counts once.</summary>
    public long DiskBytes { get; internal init; }
}
