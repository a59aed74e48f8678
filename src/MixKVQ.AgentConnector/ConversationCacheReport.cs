namespace MixKVQ.AgentConnector;

/// <summary>What the caches of all conversations hold at one moment. Immutable.</summary>
public sealed record ConversationCacheReport
{
    internal ConversationCacheReport()
    {
    }

    /// <summary>How many conversations are known.</summary>
    public required int ConversationCount { get; init; }

    /// <summary>How many of them have their cache in memory.</summary>
    public required int InMemoryCount { get; init; }

    /// <summary>How many turns wait for memory.</summary>
    public required int WaitingTurns { get; init; }

    /// <summary>The bytes in memory of retained caches: codes, scales, zeros, widths, first tokens and tails. What several conversations share counts once.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The same bytes with what is shared counted in every conversation that holds it.</summary>
    public required long UnsharedBytes { get; init; }

    /// <summary>What the same caches would take in 16 bit, with nothing shared.</summary>
    public required long FullPrecisionBytes { get; init; }

    /// <summary><see cref="MemoryBytes"/> in bits for each key and value element that a conversation in memory sees.</summary>
    public required double BitsPerElement { get; init; }

    /// <summary>The most that all caches may take in memory.</summary>
    public required long MemoryLimitBytes { get; init; }

    /// <summary>The bytes on disk; what several conversations share counts once.</summary>
    public required long DiskBytes { get; init; }
}
