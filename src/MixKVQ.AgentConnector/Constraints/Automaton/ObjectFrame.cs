namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Between the members of an object.</summary>
/// <param name="Rule">The object's rule.</param>
/// <param name="State">What it has so far.</param>
/// <param name="Place">Where between members.</param>
/// <param name="Depth">How many containers are open, this one included.</param>
internal sealed record ObjectFrame(ObjectRule Rule, ObjectState State, ContainerPlace Place, int Depth) : Frame
{
    private int _shortest = -1;

    /// <inheritdoc/>
    public override bool IsContainer => true;

    /// <inheritdoc/>
    public override int Shortest => _shortest >= 0 ? _shortest : _shortest = Place switch
    {
        ContainerPlace.AfterComma => Rule.MissingMember(State, Depth),
        ContainerPlace.Opened when !Rule.MayEnd(State) => Rule.Missing(State) - 1,
        _ => Rule.Missing(State),
    };

    /// <inheritdoc/>
    public bool Equals(ObjectFrame? other) =>
        other is not null && ReferenceEquals(Rule, other.Rule) && Place == other.Place && Depth == other.Depth && State.Equals(other.State);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rule, State, Place, Depth);

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value is (byte)'"' or (byte)'}' or (byte)',' or (byte)' ' or (byte)'\n';

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        switch (value)
        {
            case (byte)'}' when Place != ContainerPlace.AfterComma && Rule.MayEnd(State):
                closure.Add(self.Rest);
                break;
            case (byte)',' when Place == ContainerPlace.AfterMember && Rule.MayTakeAny(State, Depth):
                SpaceRule.Line.Enter(new FrameStack(this with { Place = ContainerPlace.AfterComma, _shortest = -1 }, self.Rest), closure);
                break;
            case (byte)' ' or (byte)'\n' when Place == ContainerPlace.AfterMember && Rule.MayEnd(State):
                var closing = new FrameStack(this with { Place = ContainerPlace.Closing, _shortest = -1 }, self.Rest);
                closure.Add(value == ' ' ? closing : new FrameStack(new SpaceFrame(BreaksLines: true, SpaceRule.MaxIndent), closing));
                break;
            case (byte)'"' when Place is ContainerPlace.Opened or ContainerPlace.AfterComma:
                OpenName(self, closure);
                break;
        }
    }

    private void OpenName(FrameStack self, Closure closure)
    {
        var key = new KeyFrame(Rule, State, 0, 0, Depth);
        if (key.Shortest < Automaton.Rule.Never)
        {
            closure.Add(key, self.Rest);
        }

        for (int kind = 0; kind < Rule.Kinds.Count; kind++)
        {
            if (Rule.MayTake(State, Rule.Kinds[kind], Depth) && NameFrame.Begin(Rule, State, kind, Depth) is { Shortest: < Automaton.Rule.Never } name)
            {
                closure.Add(name, self.Rest);
            }
        }
    }
}
