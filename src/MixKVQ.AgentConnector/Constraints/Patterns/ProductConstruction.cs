namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>The automaton of the texts that two automatons accept.</summary>
internal static class ProductConstruction
{
    public static TransitionTable Run(TransitionTable left, TransitionTable right)
    {
        (Alphabet alphabet, (int Left, int Right)[] pairs) = Alphabet.Join(left.Alphabet, right.Alphabet);
        TransitionTableBuilder table = new(alphabet);
        if (left.StateCount == 0 || right.StateCount == 0)
        {
            return table.Build();
        }

        Dictionary<(int Left, int Right), int> states = [];
        Queue<(int Left, int Right)> pending = new();
        Number((0, 0));
        while (pending.TryDequeue(out (int Left, int Right) state))
        {
            for (int kind = 0; kind < pairs.Length; kind++)
            {
                (int Left, int Right) target = (left.From(state.Left)[pairs[kind].Left], right.From(state.Right)[pairs[kind].Right]);
                if (target.Left >= 0 && target.Right >= 0)
                {
                    table.Lead(states[state], kind, Number(target));
                }
            }
        }

        return table.Build();

        int Number((int Left, int Right) pair)
        {
            if (!states.TryGetValue(pair, out int number))
            {
                number = table.Add(left.Accepting[pair.Left] && right.Accepting[pair.Right]);
                states.Add(pair, number);
                pending.Enqueue(pair);
            }

            return number;
        }
    }
}
