namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>How far each state of a trimmed automaton is from acceptance.</summary>
internal static class Distances
{
    /// <summary>The longest distance where there is no longest.</summary>
    public const int Unbounded = -1;

    public static int[] Shortest(TransitionTable table, List<int>[] predecessors)
    {
        int[] distances = new int[table.StateCount];
        Queue<int> open = new();
        for (int state = 0; state < distances.Length; state++)
        {
            distances[state] = table.Accepting[state] ? 0 : int.MaxValue;
            if (table.Accepting[state])
            {
                open.Enqueue(state);
            }
        }

        while (open.TryDequeue(out int state))
        {
            foreach (int previous in predecessors[state])
            {
                if (distances[previous] == int.MaxValue)
                {
                    distances[previous] = distances[state] + 1;
                    open.Enqueue(previous);
                }
            }
        }

        return distances;
    }

    public static int[] Longest(TransitionTable table, List<int>[] predecessors)
    {
        int[] distances = new int[table.StateCount];
        Array.Fill(distances, Unbounded);
        // From the last states backwards: a state is settled once all that follow it are, so that those on or before a cycle never are.
        int[] open = new int[table.StateCount];
        foreach (int previous in predecessors.SelectMany(states => states))
        {
            open[previous]++;
        }

        Queue<int> settled = new(Enumerable.Range(0, table.StateCount).Where(state => open[state] == 0));
        int[] longest = new int[table.StateCount];
        while (settled.TryDequeue(out int state))
        {
            distances[state] = longest[state];
            foreach (int previous in predecessors[state])
            {
                longest[previous] = Math.Max(longest[previous], longest[state] + 1);
                if (--open[previous] == 0)
                {
                    settled.Enqueue(previous);
                }
            }
        }

        return distances;
    }
}
