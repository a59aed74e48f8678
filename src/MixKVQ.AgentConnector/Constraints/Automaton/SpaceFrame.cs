namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within white space, which may end anywhere.</summary>
/// <param name="BreaksLines">Whether a line feed may come.</param>
/// <param name="Indent">Spaces that may yet follow, once a line feed has come.</param>
internal sealed record SpaceFrame(bool BreaksLines, int Indent) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => 0;

    private bool IsFirst => Indent == 0;

    /// <inheritdoc/>
    public override void Expand(FrameStack self, Closure closure)
    {
        closure.Keep(self);
        closure.Add(self.Rest);
    }

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value == ' ' || (value == '\n' && BreaksLines && IsFirst);

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        if (value == '\n')
        {
            closure.Add(new SpaceFrame(BreaksLines, SpaceRule.MaxIndent), self.Rest);
        }
        else if (Indent > 1)
        {
            closure.Add(new SpaceFrame(BreaksLines, Indent - 1), self.Rest);
        }
        else
        {
            closure.Add(self.Rest);
        }
    }
}
