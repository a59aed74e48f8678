namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>
/// Cuts the code points into classes that an automaton never tells apart. Intervals begin at <see cref="_starts"/>, the first at 0;
/// each belongs to one class.
/// </summary>
internal sealed class Alphabet
{
    private const int AsciiCount = 128;

    private readonly int[] _starts;

    private readonly int[] _classes;

    private readonly int[] _ascii = new int[AsciiCount];

    private Alphabet(int[] starts, int[] classes)
    {
        _starts = starts;
        _classes = classes;
        ClassCount = classes.Max() + 1;
        for (int character = 0; character < AsciiCount; character++)
        {
            _ascii[character] = FindClass(character);
        }
    }

    public int ClassCount { get; }

    /// <summary>An alphabet that tells the given sets apart, and for each set the classes that make it up.</summary>
    public static (Alphabet Alphabet, int[][] ClassesOfSets) Of(IReadOnlyList<CodePointSet> sets)
    {
        HashSet<int> cuts = [0];
        foreach (CodePointSet set in sets)
        {
            foreach (CodePointRange range in set.Ranges)
            {
                cuts.Add(range.First);
                cuts.Add(range.Last + 1);
            }
        }

        cuts.Remove(CodePointSet.MaxCodePoint + 1);
        int[] starts = [.. cuts.Order()];
        int[] classes = new int[starts.Length];
        foreach (CodePointSet set in sets)
        {
            Refine(classes, starts, set);
        }

        int[][] classesOfSets = [.. sets.Select(set => IntervalsOf(starts, set).Select(interval => classes[interval]).Distinct().Order().ToArray())];
        return (new Alphabet(starts, classes), classesOfSets);
    }

    /// <summary>An alphabet that tells apart what either tells apart, and for each of its classes the two that it lies in.</summary>
    public static (Alphabet Alphabet, (int Left, int Right)[] Pairs) Join(Alphabet left, Alphabet right)
    {
        int[] starts = [.. left._starts.Union(right._starts).Order()];
        Dictionary<(int Left, int Right), int> pairs = [];
        int[] classes = new int[starts.Length];
        for (int interval = 0; interval < starts.Length; interval++)
        {
            (int Left, int Right) pair = (left.ClassOf(starts[interval]), right.ClassOf(starts[interval]));
            if (!pairs.TryGetValue(pair, out classes[interval]))
            {
                classes[interval] = pairs.Count;
                pairs.Add(pair, pairs.Count);
            }
        }

        return (new Alphabet(starts, classes), [.. pairs.OrderBy(pair => pair.Value).Select(pair => pair.Key)]);
    }

    public int ClassOf(int codePoint) => (uint)codePoint < AsciiCount ? _ascii[codePoint] : FindClass(codePoint);

    /// <summary>Stretches of code points that no state tells apart, in their order.</summary>
    public IEnumerable<(int First, int Last)> Intervals() => _starts.Select((start, interval) =>
        (start, interval + 1 < _starts.Length ? _starts[interval + 1] - 1 : CodePointSet.MaxCodePoint));

    /// <summary>The member of each class that reads best: a letter or a digit, else printable ASCII, else what is no control character.</summary>
    public int[] Representatives()
    {
        int[] best = new int[ClassCount];
        Array.Fill(best, -1);
        for (int interval = 0; interval < _starts.Length; interval++)
        {
            int last = interval + 1 < _starts.Length ? _starts[interval + 1] - 1 : CodePointSet.MaxCodePoint;
            ref int representative = ref best[_classes[interval]];
            foreach (int candidate in (ReadOnlySpan<int>)['a', 'A', '0', '!', 0xA0])
            {
                int nearest = Math.Clamp(candidate, _starts[interval], last);
                if (representative < 0 || Readability.Compare(nearest, representative) < 0)
                {
                    representative = nearest;
                }
            }
        }

        return best;
    }

    /// <summary>Splits each class into the part inside the set and the part outside.</summary>
    private static void Refine(int[] classes, int[] starts, CodePointSet set)
    {
        int count = classes.Max() + 1;
        int[] sizes = new int[count];
        foreach (int kind in classes)
        {
            sizes[kind]++;
        }

        int[] inside = new int[count];
        foreach (int interval in IntervalsOf(starts, set))
        {
            inside[classes[interval]]++;
        }

        int[] renamed = new int[count];
        for (int kind = 0, next = count; kind < count; kind++)
        {
            renamed[kind] = inside[kind] > 0 && inside[kind] < sizes[kind] ? next++ : kind;
        }

        foreach (int interval in IntervalsOf(starts, set))
        {
            classes[interval] = renamed[classes[interval]];
        }
    }

    private static IEnumerable<int> IntervalsOf(int[] starts, CodePointSet set)
    {
        foreach (CodePointRange range in set.Ranges)
        {
            for (int interval = Array.BinarySearch(starts, range.First); interval < starts.Length && starts[interval] <= range.Last; interval++)
            {
                yield return interval;
            }
        }
    }

    private int FindClass(int codePoint)
    {
        int found = Array.BinarySearch(_starts, codePoint);
        return _classes[found >= 0 ? found : ~found - 1];
    }
}
