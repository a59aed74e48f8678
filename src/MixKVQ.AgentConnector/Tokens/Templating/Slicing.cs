using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Python's slices of lists and strings.</summary>
internal static class Slicing
{
    /// <summary><c>target[start:stop:step]</c>; null or undefined stand for what is left out.</summary>
    public static TemplateValue Slice(TemplateRun run, TemplateValue target, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        if (target is not ListValue and not StringValue)
        {
            throw run.Error($"{target.Kind} cannot be sliced");
        }

        IReadOnlyList<TemplateValue> items = Iteration.Items(run, target);
        int stride = Bound(run, step) ?? 1;
        if (stride == 0)
        {
            throw run.Error("a slice's step cannot be 0");
        }

        (int lowest, int highest) = stride > 0 ? (0, items.Count) : (-1, items.Count - 1);
        int first = Clamp(Bound(run, start), items.Count, lowest, highest) ?? (stride > 0 ? lowest : highest);
        int end = Clamp(Bound(run, stop), items.Count, lowest, highest) ?? (stride > 0 ? highest : lowest);
        var sliced = new List<TemplateValue>();
        for (long i = first; stride > 0 ? i < end : i > end; i += stride)
        {
            run.ReserveItems(1);
            sliced.Add(items[(int)i]);
        }

        return target is ListValue ? new ListValue(sliced) : run.Text(string.Concat(sliced.Select(item => ((StringValue)item).Text)));
    }

    private static int? Bound(TemplateRun run, TemplateValue? value) => value switch
    {
        null or UndefinedValue or NoneValue => null,
        NumberValue { IsInteger: true } number => (int)Math.Clamp(number.Value, int.MinValue, int.MaxValue),
        _ => throw run.Error($"a slice's bound must be an integer, not {value.Kind}"),
    };

    private static int? Clamp(int? bound, int count, int lowest, int highest)
        => bound is int value ? (int)Math.Clamp(value < 0 ? (long)value + count : value, lowest, Math.Max(lowest, highest)) : null;
}
