namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>One of the branches. They are given late, since a recursive schema's rule exists before its content.</summary>
internal sealed class ChoiceRule : Rule
{
    public IReadOnlyList<Rule> Branches { get; set; } = [];

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure)
    {
        foreach (Rule branch in Branches)
        {
            if (branch.Fits(rest?.Depth ?? 0))
            {
                branch.Enter(rest, closure);
            }
        }
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure()
    {
        (int Shortest, int Height) best = (Never, 0);
        foreach (Rule branch in Branches)
        {
            if (branch.Shortest < best.Shortest)
            {
                best = (branch.Shortest, branch.Height);
            }
        }

        return best;
    }
}
