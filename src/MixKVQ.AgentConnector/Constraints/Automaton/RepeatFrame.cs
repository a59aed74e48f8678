namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>After <paramref name="Count"/> items; <paramref name="IsSeparated"/> where an item may follow at once.</summary>
internal sealed record RepeatFrame(RepeatRule Rule, int Count, bool IsSeparated) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Rule.ShortestAfter(Count, IsSeparated);

    /// <inheritdoc/>
    public override void Expand(FrameStack self, Closure closure) => Rule.Expand(Count, IsSeparated, self.Rest, closure);

    /// <inheritdoc/>
    public override bool MayStep(byte value) => false;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
    }
}
