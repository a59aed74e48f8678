namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Items with a separator between them.</summary>
internal sealed class RepeatRule(Rule item, Rule? separator, int min, int? max) : Rule
{
    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new RepeatFrame(this, 0, IsSeparated: true), rest);

    /// <summary>What may come after <paramref name="count"/> items.</summary>
    public void Expand(int count, bool isSeparated, FrameStack? rest, Closure closure)
    {
        if (!isSeparated)
        {
            if (count >= min)
            {
                closure.Add(rest);
            }

            if (max is null || count < max)
            {
                separator!.Enter(new FrameStack(new RepeatFrame(this, count, IsSeparated: true), rest), closure);
            }

            return;
        }

        bool mayEnd = count >= min && (count == 0 || separator is null);
        if (mayEnd)
        {
            closure.Add(rest);
        }

        if ((max is null || count < max) && item.Fits(rest?.Depth ?? 0))
        {
            // Without a bound, all counts from the least on are alike; one item stays apart from none for the separator.
            int next = max is null ? Math.Min(count + 1, Math.Max(min, 1)) : count + 1;
            item.Enter(new FrameStack(new RepeatFrame(this, next, IsSeparated: separator is null), rest), closure);
        }
    }

    public int ShortestAfter(int count, bool isSeparated)
    {
        // A separator that is written asks for an item.
        int least = isSeparated && separator is not null && count > 0 ? Math.Max(min, count + 1) : min;
        int missing = Math.Max(0, least - count);
        int separators = Math.Max(0, isSeparated ? missing - 1 : missing);
        return (int)Math.Min(Never, missing == 0 ? 0L : ((long)missing * item.Shortest) + ((long)separators * (separator?.Shortest ?? 0)));
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() =>
        (ShortestAfter(0, isSeparated: true), min == 0 ? 0 : Math.Max(item.Height, separator?.Height ?? 0));
}
