namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Before a part of a sequence.</summary>
internal sealed record SequenceFrame(SequenceRule Rule, int Index) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Rule.ShortestFrom(Index);

    /// <inheritdoc/>
    public override void Expand(FrameStack self, Closure closure) => Rule.EnterPart(Index, self.Rest, closure);

    /// <inheritdoc/>
    public override bool MayStep(byte value) => false;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
    }
}
