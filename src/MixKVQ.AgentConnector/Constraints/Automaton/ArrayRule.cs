namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A JSON array: some items by position, then items of one kind.</summary>
/// <param name="first">The rules of the first items.</param>
/// <param name="others">The rule of those after them, or null where none may follow.</param>
/// <param name="min">How many items there are at least.</param>
/// <param name="max">How many at most; null: no bound.</param>
internal sealed class ArrayRule(Rule[] first, Rule? others, int min, int? max) : Rule
{
    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new OpenArrayFrame(this), rest);

    /// <summary>The rule of the next item, or null where none may follow <paramref name="count"/> items.</summary>
    public Rule? ItemAfter(int count, int depth)
    {
        Rule? item = max <= count ? null : count < first.Length ? first[count] : others;
        return item is not null && item.Fits(depth) ? item : null;
    }

    public bool MayEnd(int count) => count >= min;

    /// <summary>One item more. Where only the least count matters, all further ones are alike.</summary>
    public int CountAfter(int count) => max is null ? Math.Min(count + 1, Math.Max(1, Math.Max(min, first.Length))) : count + 1;

    /// <summary>The bytes of the items that are missing after <paramref name="count"/>, or after a comma that is written, and of the bracket.</summary>
    public int Missing(int count, bool mustGoOn)
    {
        long bytes = 1;
        int end = Math.Max(min, mustGoOn ? count + 1 : 0);
        for (int index = count; index < end; index++)
        {
            // Beyond the first items all are the same.
            if (index >= first.Length)
            {
                bytes += (end - index) * ((others is null ? Never : others.Shortest) + 1L);
                break;
            }

            bytes += first[index].Shortest + 1;
        }

        bool hasComma = count > 0 && !mustGoOn;
        return (int)Math.Min(Never, end > count && !hasComma ? bytes - 1 : bytes);
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure()
    {
        int height = 0;
        for (int index = 0; index < Math.Min(min, first.Length); index++)
        {
            height = Math.Max(height, first[index].Height);
        }

        if (min > first.Length && others is not null)
        {
            height = Math.Max(height, others.Height);
        }

        return (max < min ? Never : Math.Min(Never, 1 + Missing(0, mustGoOn: false)), height + 1);
    }
}
