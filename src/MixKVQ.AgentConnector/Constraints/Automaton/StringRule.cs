namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A JSON string whose content is read byte by byte by a machine without a stack.</summary>
internal abstract class StringRule : Rule
{
    public abstract StringPosition Start { get; }

    /// <summary>Whether the content may end here, so that the closing quote may come.</summary>
    public abstract bool Accepts(StringPosition position);

    /// <summary>The position after one more byte of content (not the closing quote); false where nothing allowed goes on so.</summary>
    public abstract bool TryStep(StringPosition position, byte value, out StringPosition next);

    /// <summary>The fewest bytes of content to a place where the quote may come.</summary>
    public abstract int Missing(StringPosition position);

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new QuoteFrame(this), rest);

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (Math.Min(Never, Missing(Start) + 2), 0);
}
