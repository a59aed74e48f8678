namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within the name of a known property.</summary>
/// <param name="Rule">The object's rule.</param>
/// <param name="State">What the object has so far.</param>
/// <param name="Node">Where in <see cref="ObjectRule.Tree"/>.</param>
/// <param name="Length">How many bytes of the name are written.</param>
/// <param name="Depth">How many containers are open.</param>
internal sealed record KeyFrame(ObjectRule Rule, ObjectState State, int Node, int Length, int Depth) : Frame
{
    private int _shortest = -1;

    /// <inheritdoc/>
    public override bool IsContainer => true;

    /// <inheritdoc/>
    public override int Shortest => _shortest >= 0 ? _shortest : _shortest = Measure();

    /// <inheritdoc/>
    public bool Equals(KeyFrame? other) =>
        other is not null && ReferenceEquals(Rule, other.Rule) && Node == other.Node && Depth == other.Depth && State.Equals(other.State);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rule, State, Node, Depth);

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value == '"' ? Rule.Tree.LiteralAt(Node) >= 0 : Rule.Tree.Next(Node, value) >= 0;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        int child = Rule.Tree.Next(Node, value);
        if (child >= 0)
        {
            var next = new KeyFrame(Rule, State, child, Length + 1, Depth);
            if (next.Shortest < Automaton.Rule.Never)
            {
                closure.Add(next, self.Rest);
            }
        }

        int name = Rule.Tree.LiteralAt(Node);
        if (value == '"' && name >= 0 && Rule.MayTake(State, name, Depth))
        {
            var after = new ObjectFrame(Rule, State.With(name), ContainerPlace.AfterMember, Depth);
            Rule.Names[name].Member.Enter(new FrameStack(after, self.Rest), closure);
        }
    }

    private int Measure()
    {
        int missing = Rule.Missing(State);
        int best = Automaton.Rule.Never;
        (int first, int end) = Rule.Tree.LiteralsBelow(Node);
        for (int name = first; name < end; name++)
        {
            if (Rule.MayTake(State, name, Depth))
            {
                ObjectName known = Rule.Names[name];
                best = Math.Min(best, known.Text.Length - Length + 1 + known.Member.Shortest + Rule.MissingWith(State, missing, name));
            }
        }

        return best;
    }
}
