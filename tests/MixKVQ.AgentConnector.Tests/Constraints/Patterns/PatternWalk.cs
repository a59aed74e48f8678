using System.Text;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Tests.Constraints.Patterns;

/// <summary>Draws accepted texts from a pattern by walking its automaton at random.</summary>
internal static class PatternWalk
{
    private static readonly int[] Alphabet =
        [.. Enumerable.Range(0, 0x100), 0x3B1, 0x416, 0x4E2D, 0x3042, 0x1F600, 0x1D400, 0xFEFF, 0x2028, 0xFFFD];

    /// <summary>Wanders for up to <paramref name="steps"/> code points, then takes a shortest way out.</summary>
    public static string Draw(TextPattern pattern, Random random, int steps)
    {
        StringBuilder text = new();
        int state = pattern.Start;
        for (int step = 0; step < steps; step++)
        {
            if (pattern.IsAccepting(state) && random.Next(20) == 0)
            {
                return text.ToString();
            }

            int[] open = [.. Alphabet.Where(codePoint => pattern.Next(state, codePoint) >= 0)];
            if (open.Length == 0)
            {
                break;
            }

            // States differ in which characters they take: a character that leads to a rarely met state is drawn as often as others.
            IGrouping<int, int>[] targets = [.. open.GroupBy(codePoint => pattern.Next(state, codePoint))];
            int[] target = [.. targets[random.Next(targets.Length)]];
            int drawn = target[random.Next(target.Length)];
            text.Append(new Rune(drawn));
            state = pattern.Next(state, drawn);
        }

        return text + pattern.ShortestText(state);
    }
}
