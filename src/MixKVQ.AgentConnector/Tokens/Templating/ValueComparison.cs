using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Equality and order of values.</summary>
internal static class ValueComparison
{
    /// <summary>Whether two values are equal: numbers and booleans by their number, lists and mappings by what they hold, none and undefined alike.</summary>
    public static bool AreEqual(TemplateRun run, TemplateValue left, TemplateValue right) => AreEqual(run, left, right, 0);

    /// <summary>Orders numbers, or strings by their UTF-16 units.</summary>
    /// <exception cref="TemplateException">The values have no order.</exception>
    public static int Compare(TemplateRun run, TemplateValue left, TemplateValue right, bool ignoresCase = false)
    {
        if (Number(left) is double a && Number(right) is double b)
        {
            return a.CompareTo(b);
        }

        if (left is StringValue first && right is StringValue second)
        {
            run.StepOver(first.Text.Length < second.Text.Length ? first.Text : second.Text);
            return ignoresCase ? CompareLowered(first.Text, second.Text) : string.CompareOrdinal(first.Text, second.Text);
        }

        if (left is NoneValue or UndefinedValue && left == right)
        {
            return 0;
        }

        throw run.Error($"{left.Kind} and {right.Kind} have no order");
    }

    /// <summary>Sorts stably, by merging.</summary>
    public static TemplateValue[] Sort(TemplateRun run, IReadOnlyList<TemplateValue> items, Comparison<TemplateValue> compare)
    {
        run.ReserveItems(2L * items.Count);
        TemplateValue[] sorted = [.. items];
        var buffer = new TemplateValue[sorted.Length];
        for (int width = 1; width > 0 && width < sorted.Length; width *= 2)
        {
            for (int start = 0; start < sorted.Length; start += 2 * width)
            {
                Merge(run, sorted, buffer, start, Math.Min(start + width, sorted.Length), Math.Min(start + (2 * width), sorted.Length), compare);
            }

            (sorted, buffer) = (buffer, sorted);
        }

        return sorted;
    }

    /// <summary>The number that a number or a boolean stands for; null for other values.</summary>
    public static double? Number(TemplateValue value) => value switch
    {
        NumberValue number => number.Value,
        BooleanValue boolean => boolean.Value ? 1 : 0,
        _ => null,
    };

    // Python lowers both sides; OrdinalIgnoreCase raises them, which puts '_' elsewhere.
    private static int CompareLowered(string left, string right)
    {
        int shared = Math.Min(left.Length, right.Length);
        for (int i = 0; i < shared; i++)
        {
            int order = char.ToLowerInvariant(left[i]) - char.ToLowerInvariant(right[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return left.Length - right.Length;
    }

    private static void Merge(
        TemplateRun run, TemplateValue[] from, TemplateValue[] to, int start, int middle, int end, Comparison<TemplateValue> compare)
    {
        run.Step(end - start);
        int left = start;
        int right = middle;
        for (int i = start; i < end; i++)
        {
            bool takesLeft = left < middle && (right >= end || compare(from[left], from[right]) <= 0);
            to[i] = takesLeft ? from[left++] : from[right++];
        }
    }

    private static bool AreEqual(TemplateRun run, IReadOnlyList<TemplateValue> left, IReadOnlyList<TemplateValue> right, int depth)
    {
        bool areEqual = left.Count == right.Count;
        for (int i = 0; areEqual && i < left.Count; i++)
        {
            areEqual = AreEqual(run, left[i], right[i], depth + 1);
        }

        return areEqual;
    }

    private static bool AreEqual(TemplateRun run, TemplateValue left, TemplateValue right, int depth)
    {
        run.Step();
        if (depth > TemplateLimits.MaxValueDepth)
        {
            throw run.Error($"the values are nested more than {TemplateLimits.MaxValueDepth} deep");
        }

        if (ReferenceEquals(left, right))
        {
            return true;
        }

        switch (left, right)
        {
            case (StringValue a, StringValue b):
                run.Step(a.Text.Length == b.Text.Length ? a.Text.Length / TemplateLimits.CharsPerStep : 0);
                return a.Text == b.Text;
            case (ListValue a, ListValue b):
                return AreEqual(run, a.Items, b.Items, depth);
            case (MapValue a, MapValue b):
                return a.Entries.Count == b.Entries.Count
                    && a.Entries.All(entry => b.Entries.TryGetValue(entry.Key, out TemplateValue? other) && AreEqual(run, entry.Value, other, depth + 1));
            case (NoneValue or UndefinedValue, NoneValue or UndefinedValue):
                return true;
            default:
                return Number(left) is double x && Number(right) is double y && x == y;
        }
    }
}
