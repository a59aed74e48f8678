namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Before an object's opening brace.</summary>
internal sealed record OpenObjectFrame(ObjectRule Rule) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Rule.Shortest;

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value == '{';

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        var state = new ObjectState(Rule.Names.Count);
        var inside = new ObjectFrame(Rule, state, ContainerPlace.Opened, self.Depth + 1);
        SpaceRule.Line.Enter(new FrameStack(inside, self.Rest), closure);
    }
}
