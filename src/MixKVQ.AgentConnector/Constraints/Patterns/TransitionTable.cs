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
    public List<int>[] Predecessors()
    {
        List<int>[] predecessors = [.. Accepting.Select(_ => new List<int>())];
        for (int state = 0; state < StateCount; state++)
        {
            foreach (int target in From(state))
            {
                // The states come in order, so that one met before stands last.
                if (target >= 0 && (predecessors[target].Count == 0 || predecessors[target][^1] != state))
                {
                    predecessors[target].Add(state);
                }
            }
        }

        return predecessors;
    }

    /// <summary>The automaton of the chosen states in their order; <paramref name="rename"/> gives each state's new number, or −1.</summary>
    public TransitionTable Select(List<int> states, Func<int, int> rename)
    {
        int[] targets = new int[states.Count * Alphabet.ClassCount];
        int next = 0;
        foreach (int state in states)
        {
            foreach (int target in From(state))
            {
                targets[next++] = target < 0 ? -1 : rename(target);
            }
        }

        return new TransitionTable(Alphabet, targets, [.. states.Select(state => Accepting[state])]);
    }
}
