namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within an array, after <paramref name="Count"/> items.</summary>
internal sealed record ArrayFrame(ArrayRule Rule, int Count, ContainerPlace Place) : Frame
{
    /// <inheritdoc/>
    public override bool IsContainer => true;

    /// <inheritdoc/>
    public override int Shortest => Rule.Missing(Count, mustGoOn: Place == ContainerPlace.AfterComma);

    /// <inheritdoc/>
    public override void Expand(FrameStack self, Closure closure)
    {
        if (Place != ContainerPlace.AfterComma)
        {
            closure.Keep(self);
        }

        if (Place is ContainerPlace.Opened or ContainerPlace.AfterComma)
        {
            Rule.ItemAfter(Count, self.Depth)?.Enter(
                new FrameStack(new ArrayFrame(Rule, Rule.CountAfter(Count), ContainerPlace.AfterMember), self.Rest), closure);
        }
    }

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value is (byte)']' or (byte)',' or (byte)' ' or (byte)'\n';

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        switch (value)
        {
            case (byte)']' when Rule.MayEnd(Count):
                closure.Add(self.Rest);
                break;
            case (byte)',' when Place == ContainerPlace.AfterMember && Rule.ItemAfter(Count, self.Depth) is not null:
                SpaceRule.Line.Enter(new FrameStack(this with { Place = ContainerPlace.AfterComma }, self.Rest), closure);
                break;
            case (byte)' ' or (byte)'\n' when Place == ContainerPlace.AfterMember && Rule.MayEnd(Count):
                var closing = new FrameStack(this with { Place = ContainerPlace.Closing }, self.Rest);
                closure.Add(value == ' ' ? closing : new FrameStack(new SpaceFrame(BreaksLines: true, SpaceRule.MaxIndent), closing));
                break;
        }
    }
}
