namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Optional white space: one space, or where lines may break a line feed and an indentation.</summary>
internal sealed class SpaceRule : Rule
{
    /// <summary>The widest indentation.</summary>
    public const int MaxIndent = 64;

    private readonly bool _breaksLines;

    private SpaceRule(bool breaksLines)
    {
        _breaksLines = breaksLines;
        Settle();
    }

    /// <summary>At most one space, as after a colon.</summary>
    public static SpaceRule OneSpace { get; } = new(breaksLines: false);

    /// <summary>One space or a new line, as after a comma.</summary>
    public static SpaceRule Line { get; } = new(breaksLines: true);

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new SpaceFrame(_breaksLines, 0), rest);

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (0, 0);
}
