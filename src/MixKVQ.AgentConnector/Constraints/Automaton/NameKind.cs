namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Properties that an object rule does not know by name.</summary>
/// <param name="Name">The names, written without escapes.</param>
/// <param name="Member">The colon and the value.</param>
internal sealed record NameKind(StringRule Name, Rule Member)
{
    /// <summary>There are enough names of three letters for any object.</summary>
    private const int FreeNameBytes = 3;

    /// <summary>The bytes of a comma, a quoted free name that is not in use and the shortest value.</summary>
    public int Cost => Math.Min(Rule.Never, FreeNameBytes + 3 + Member.Shortest);
}
