namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within one of a set of fixed texts.</summary>
internal sealed record LiteralFrame(LiteralTree Tree, int Node) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Tree.DistanceFrom(Node);

    /// <inheritdoc/>
    public override void Expand(FrameStack self, Closure closure)
    {
        closure.Keep(self);
        if (Tree.LiteralAt(Node) >= 0)
        {
            closure.Add(self.Rest);
        }
    }

    /// <inheritdoc/>
    public override bool MayStep(byte value) => Tree.Next(Node, value) >= 0;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure) =>
        closure.Add(new LiteralFrame(Tree, Tree.Next(Node, value)), self.Rest);
}
