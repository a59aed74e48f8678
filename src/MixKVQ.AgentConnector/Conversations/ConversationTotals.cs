namespace MixKVQ.AgentConnector.Conversations;

/// <summary>What all retained conversations hold together.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="CacheBytes">The bytes of their caches; a page that several share counts in each.</param>
/// <param name="Elements">The key and value elements in their caches, counted likewise.</param>
internal readonly record struct ConversationTotals(int Count, long CacheBytes, long Elements)
{
    /// <summary>What the same caches would take in 16 bit.</summary>
    public long FullPrecisionBytes => 2 * Elements;

    /// <summary>All bytes, in bits for each element; 0 where there is none.</summary>
    public double BitsPerElement => Elements == 0 ? 0 : 8.0 * CacheBytes / Elements;
}
