namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A property that an object rule knows by name.</summary>
/// <param name="Text">The name as JSON writes it, without quotes.</param>
/// <param name="Member">The colon and the value.</param>
/// <param name="IsRequired">Whether the object must have it.</param>
internal sealed record ObjectName(byte[] Text, Rule Member, bool IsRequired)
{
    /// <summary>The bytes of a comma, the quoted name and the shortest value.</summary>
    public int Cost => Math.Min(Rule.Never, Text.Length + 3 + Member.Shortest);
}
