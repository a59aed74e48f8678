using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>How many bytes of a JSON string lie between the states of a pattern and an accepted end.</summary>
internal static class PatternDistances
{
    /// <param name="pattern">The pattern.</param>
    /// <param name="intervals">Code points that it never tells apart.</param>
    public static int[] Measure(TextPattern pattern, (int First, int Last)[] intervals)
    {
        int[] costs = [.. intervals.Select(interval => Cheapest(interval.First, interval.Last))];
        var backwards = new Dictionary<int, int>[pattern.StateCount];
        var distances = new int[pattern.StateCount];
        var open = new PriorityQueue<int, int>();
        for (int state = 0; state < distances.Length; state++)
        {
            backwards[state] = [];
            distances[state] = pattern.IsAccepting(state) ? 0 : Rule.Never;
            if (distances[state] == 0)
            {
                open.Enqueue(state, 0);
            }
        }

        for (int state = 0; state < distances.Length; state++)
        {
            for (int interval = 0; interval < intervals.Length; interval++)
            {
                int next = pattern.Next(state, intervals[interval].First);
                if (next >= 0 && costs[interval] < backwards[next].GetValueOrDefault(state, int.MaxValue))
                {
                    backwards[next][state] = costs[interval];
                }
            }
        }

        while (open.TryDequeue(out int state, out int distance))
        {
            if (distance > distances[state])
            {
                continue;
            }

            foreach ((int previous, int cost) in backwards[state])
            {
                if (distance + cost < distances[previous])
                {
                    distances[previous] = distance + cost;
                    open.Enqueue(previous, distance + cost);
                }
            }
        }

        return distances;
    }

    private static int Cheapest(int first, int last)
    {
        int best = PatternStringRule.WrittenBytes(first);
        for (int character = first + 1; character <= Math.Min(last, 0x7F) && best > 1; character++)
        {
            best = Math.Min(best, PatternStringRule.WrittenBytes(character));
        }

        return last >= 0x80 ? Math.Min(best, PatternStringRule.WrittenBytes(Math.Max(first, 0x80))) : best;
    }
}
