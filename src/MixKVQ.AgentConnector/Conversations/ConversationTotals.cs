namespace MixKVQ.AgentConnector.Conversations;

/// <summary>What all conversations hold in memory together.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="ResidentCount">How many of them have their cache in memory.</param>
/// <param name="CacheBytes">The bytes of those caches; a piece that several share counts once.</param>
/// <param name="UnsharedBytes">The same with each piece counted in every conversation that holds it.</param>
/// <param name="Elements">The key and value elements that those conversations see, each conversation's counted.</param>
internal readonly record struct ConversationTotals(int Count, int ResidentCount, long CacheBytes, long UnsharedBytes, long Elements)
{
    /// <summary>What the same caches would take in 16 bit, with nothing shared.</summary>
    public long FullPrecisionBytes => 2 * Elements;

    /// <summary>The bytes in memory, in bits for each element that a conversation sees; 0 where there is none.</summary>
    public double BitsPerElement => Elements == 0 ? 0 : 8.0 * CacheBytes / Elements;

    /// <summary>Adds up states.</summary>
    public static ConversationTotals Of(IReadOnlyList<ConversationState> states)
    {
        ConversationState[] resident = [.. states.Where(state => state.IsResident)];
        Dictionary<object, long> parts = new(ReferenceEqualityComparer.Instance);
        long unshared = 0;
        foreach (Cache.CachePart part in resident.SelectMany(state => state.Parts))
        {
            parts[part.Identity] = part.Bytes;
            unshared += part.Bytes;
        }

        return new ConversationTotals(states.Count, resident.Length, parts.Values.Sum(), unshared, resident.Sum(state => state.Usage.Elements));
    }
}
