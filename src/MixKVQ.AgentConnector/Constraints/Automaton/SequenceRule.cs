namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>The parts one after another.</summary>
internal sealed class SequenceRule(Rule[] parts) : Rule
{
    public Rule[] Parts => parts;

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => EnterPart(0, rest, closure);

    public void EnterPart(int index, FrameStack? rest, Closure closure)
    {
        if (index == parts.Length)
        {
            closure.Add(rest);
            return;
        }

        FrameStack? after = index + 1 == parts.Length ? rest : new FrameStack(new SequenceFrame(this, index + 1), rest);
        parts[index].Enter(after, closure);
    }

    /// <summary>The shortest text of the parts from <paramref name="index"/> on.</summary>
    public int ShortestFrom(int index)
    {
        long sum = 0;
        for (; index < parts.Length; index++)
        {
            sum += parts[index].Shortest;
        }

        return (int)Math.Min(sum, Never);
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (ShortestFrom(0), parts.Length == 0 ? 0 : parts.Max(part => part.Height));
}
