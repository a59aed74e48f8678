namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Before the byte at <paramref name="Position"/> of a fixed text.</summary>
internal sealed record TextFrame(TextRule Rule, int Position) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Rule.Bytes.Length - Position;

    /// <inheritdoc/>
    public override bool MayStep(byte value) => Rule.Bytes[Position] == value;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        if (Position + 1 == Rule.Bytes.Length)
        {
            closure.Add(self.Rest);
        }
        else
        {
            closure.Add(this with { Position = Position + 1 }, self.Rest);
        }
    }
}
