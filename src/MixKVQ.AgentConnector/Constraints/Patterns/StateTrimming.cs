namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Removes the states from which no text is accepted or to which no text leads.</summary>
internal static class StateTrimming
{
    private const int Unknown = -1;

    /// <summary>The states that remain, numbered as a breadth-first walk from the first state meets them.</summary>
    public static TransitionTable Run(TransitionTable table)
    {
        bool[] alive = FindAlive(table);
        if (alive.Length == 0 || !alive[0])
        {
            return new TransitionTable(table.Alphabet, [], []);
        }

        int[] numbers = new int[table.StateCount];
        Array.Fill(numbers, Unknown);
        numbers[0] = 0;
        List<int> kept = [0];
        for (int i = 0; i < kept.Count; i++)
        {
            foreach (int target in table.From(kept[i]))
            {
                if (target >= 0 && alive[target] && numbers[target] == Unknown)
                {
                    numbers[target] = kept.Count;
                    kept.Add(target);
                }
            }
        }

        return table.Select(kept, state => numbers[state]);
    }

    private static bool[] FindAlive(TransitionTable table)
    {
        List<int>[] before = table.Predecessors();
        bool[] alive = new bool[table.StateCount];
        Stack<int> open = new(Enumerable.Range(0, table.StateCount).Where(state => table.Accepting[state]));
        while (open.TryPop(out int state))
        {
            if (!alive[state])
            {
                alive[state] = true;
                foreach (int previous in before[state])
                {
                    open.Push(previous);
                }
            }
        }

        return alive;
    }
}
