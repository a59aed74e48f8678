namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within a string.</summary>
internal sealed record StringFrame(StringRule Rule, StringPosition Position) : Frame, IStringFrame
{
    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<byte>> Excluded => [];

    /// <inheritdoc/>
    public override int Shortest => Rule.Missing(Position) + 1;

    /// <inheritdoc/>
    public void Close(FrameStack self, Closure closure) => closure.Add(self.Rest);

    /// <inheritdoc/>
    public override bool MayStep(byte value) => true;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        if (value == '"' && Position.Lexical == JsonLexer.Plain)
        {
            if (Rule.Accepts(Position))
            {
                closure.Add(self.Rest);
            }
        }
        else if (Rule.TryStep(Position, value, out StringPosition next))
        {
            closure.Add(new StringFrame(Rule, next), self.Rest);
        }
    }
}
