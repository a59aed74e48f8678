namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>
/// A deterministic automaton: <c>Targets[state × ClassCount + class]</c> is the next state or −1. It begins in state 0, if it has
/// states at all.
/// </summary>
internal sealed record TransitionTable(Alphabet Alphabet, int[] Targets, bool[] Accepting)
{
    public int StateCount => Accepting.Length;

    public ReadOnlySpan<int> From(int state) => Targets.AsSpan(state * Alphabet.ClassCount, Alphabet.ClassCount);

    /// <summary>For each state those that lead to it, each once.</summary>
    public ILookup<int, int> Predecessors() => Enumerable.Range(0, StateCount)
        .SelectMany(state => From(state).ToArray().Where(target => target >= 0).Distinct().Select(target => (Target: target, State: state)))
        .ToLookup(edge => edge.Target, edge => edge.State);
}
