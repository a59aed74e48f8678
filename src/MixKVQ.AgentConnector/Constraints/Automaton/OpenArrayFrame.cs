namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Before an array's opening bracket.</summary>
internal sealed record OpenArrayFrame(ArrayRule Rule) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Rule.Shortest;

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value == '[';

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure) =>
        SpaceRule.Line.Enter(new FrameStack(new ArrayFrame(Rule, 0, ContainerPlace.Opened), self.Rest), closure);
}
